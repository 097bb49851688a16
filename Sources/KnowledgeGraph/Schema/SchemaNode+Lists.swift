import LabCore
import Yams

extension SchemaNode {
  /// The items of a list; a single value is a list of one.
  package func listed() throws -> [SchemaNode] {
    guard case .sequence(let sequence) = node else { return [self] }
    guard !sequence.isEmpty else { throw failure("must not be an empty list") }
    return sequence.enumerated().map { child(String($0), $1) }
  }

  /// The values of a list's items; a single value is a list of one.
  ///
  /// Throws an error that names the line of a value that the list has already.
  package func distinct<Value: Hashable>(_ value: (SchemaNode) throws -> Value) throws -> [Value] {
    var seen: Set<Value> = []
    return try listed().map { item in
      let own = try value(item)
      guard seen.insert(own).inserted else {
        throw item.failure("is in the list before; give each value once")
      }
      return own
    }
  }

  /// Different whole numbers within a range.
  package func distinctIntegers(in range: ClosedRange<Int>) throws -> [Int] {
    try distinct { try $0.integer(in: range) }
  }

  /// One of the names of an enumeration.
  package func choice<Choice>(_ type: Choice.Type) throws -> Choice
  where Choice: CaseIterable & RawRepresentable<String> {
    let name = try choice(Choice.allCases.map(\.rawValue))
    guard let value = Choice(rawValue: name) else { throw failure("is no value: '\(name)'") }
    return value
  }

  /// One of some names.
  package func choice(_ names: [String]) throws -> String {
    let name = try text()
    guard names.contains(name) else {
      throw failure(
        "must be one of \(names.joined(separator: ", ")), not '\(name)'"
          + (Suggestion.nearest(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""))
    }
    return name
  }

  /// A mapping of paths to values as `path=value` pairs, sorted; nested mappings join their keys
  /// with dots.
  package func overrides() throws -> [String] {
    try entries().flatMap { key, value -> [String] in
      if value.isMapping { return try value.overrides().map { "\(key).\($0)" } }
      guard case .sequence = value.node else { return ["\(key)=\(try value.text())"] }
      let items = try value.listed().map { try $0.text() }
      return ["\(key)=[\(items.joined(separator: ", "))]"]
    }.sorted()
  }
}
