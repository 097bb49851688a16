package import LabCore
package import Yams

/// A place in a YAML file: strict access to its value, and errors that name the place.
package struct SchemaNode {
  package let node: Node
  /// The keys that lead here, joined by dots: "predicates.born in.coverage".
  package let path: String
  package let file: String
  /// Values given on the command line, as paths: their errors name the option, not a line.
  let overridden: Set<String>

  /// A sentence about this place: "academia.yaml:14: predicates.born in.coverage ...".
  package func failure(_ problem: String) -> LabError {
    LabError("\(location): \(path.isEmpty ? "" : path + " ")\(problem)")
  }

  var location: String {
    if let mark = node.mark { return "\(file):\(mark.line)" }
    // Only what the command line gave has no line: it is that option's value, or above or below it.
    let option = overridden.filter {
      $0 == path || $0.hasPrefix(path + ".") || path.hasPrefix($0 + ".")
    }.min()
    return option.map { "--set \($0)" } ?? file
  }

  // MARK: Mappings

  /// The entries of a mapping in the order of the file; their keys are names, each there once.
  package func entries() throws -> [(key: String, value: SchemaNode)] {
    var seen: Set<String> = []
    return try mapping().map { key, value in
      guard case .scalar(let scalar) = key else {
        throw failure("has a key that is not plain text")
      }
      // Yams tells keys apart that are written in different ways, such as 1 and "1".
      let fault =
        seen.insert(scalar.string).inserted
        ? GraphName.fault(scalar.string.utf8) : "stands here twice; remove one"
      if let fault {
        throw LabError(
          "\(location(of: key, value)): a key\(path.isEmpty ? "" : " of \(path)"), "
            + "'\(scalar.string)', \(fault)")
      }
      return (scalar.string, child(scalar.string, value))
    }
  }

  /// Throws when a key is none of `known`, naming its line and the nearest known key.
  package func allow(_ known: [String]) throws {
    for (key, value) in try mapping() {
      let name = key.string ?? ""
      if known.contains(name) { continue }
      throw LabError(
        "\(location(of: key, value)): unknown key '\(name)'\(path.isEmpty ? "" : " in \(path)")"
          + Suggestion.hint(for: name, in: known))
    }
  }

  private func mapping() throws -> Node.Mapping {
    guard case .mapping(let mapping) = node else { throw failure("must hold keys and values") }
    return mapping
  }

  private func location(of key: Node, _ value: Node) -> String {
    key.mark.map { "\(file):\($0.line)" } ?? child(key.string ?? "", value).location
  }

  /// The value of a key, or nil where it is absent.
  package func optional(_ key: String) -> SchemaNode? { node.mapping?[key].map { child(key, $0) } }

  /// The value of a key; throws when it is absent.
  package func required(_ key: String, example: String) throws -> SchemaNode {
    guard let value = optional(key) else {
      throw failure("has no \(key); add for example '\(key): \(example)'")
    }
    return value
  }

  /// The place of a key or of an item of a list below this one.
  package func child(_ key: String, _ value: Node) -> SchemaNode {
    SchemaNode(
      node: value, path: path.isEmpty ? key : "\(path).\(key)", file: file, overridden: overridden)
  }

  // MARK: Values

  /// Whether the value holds keys and values.
  package var isMapping: Bool { node.mapping != nil }

  /// The value as text without control characters; throws when it is something else or empty.
  package func text() throws -> String {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
      throw failure("must be text")
    }
    guard !scalar.string.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
      throw failure("must not hold control characters")
    }
    return scalar.string
  }

  /// The value as a name of a graph, or a part of one; throws when it is something else.
  func name() throws -> String {
    guard case .scalar(let scalar) = node else { throw failure("must be text") }
    if let fault = GraphName.fault(scalar.string.utf8) { throw failure(fault) }
    return scalar.string
  }

  /// A whole number within a range; throws when it is something else.
  package func integer(in range: ClosedRange<Int>) throws -> Int {
    guard let scalar = node.scalar, let value = Int(scalar.string) else {
      throw failure("must be a whole number\(shown)")
    }
    guard range.contains(value) else {
      throw failure(
        range.upperBound == .max
          ? "must be at least \(range.lowerBound), not \(value)"
          : "must be between \(range.lowerBound) and \(range.upperBound), not \(value)")
    }
    return value
  }

  /// One whole number or a list of them.
  package func integers(in range: ClosedRange<Int>) throws -> [Int] {
    guard case .sequence(let sequence) = node else { return [try integer(in: range)] }
    guard !sequence.isEmpty else { throw failure("must not be an empty list") }
    return try items().map { try $0.integer(in: range) }
  }

  /// The items of a list that is not empty.
  func items() throws -> [SchemaNode] {
    guard case .sequence(let sequence) = node, !sequence.isEmpty else {
      throw failure("must be a list with at least one item\(shown)")
    }
    return sequence.enumerated().map { child(String($0.offset), $0.element) }
  }

  /// A finite number that passes a test, whose rule is in words: "above 0".
  package func number(_ allowed: String, where isAllowed: (Double) -> Bool) throws -> Double {
    guard let scalar = node.scalar, let value = Double(scalar.string), value.isFinite else {
      throw failure("must be a number\(shown)")
    }
    guard isAllowed(value) else { throw failure("must be \(allowed), not \(scalar.string)") }
    return value
  }

  /// `true` or `false`, in any of YAML's spellings; throws when it is something else.
  package func boolean() throws -> Bool {
    switch node.scalar?.string {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: throw failure("must be true or false\(shown)")
    }
  }

  private var shown: String {
    switch node {
    case .scalar(let scalar): ", not '\(scalar.string)'"
    case .mapping: ", not keys and values"
    case .sequence: ", not a list"
    case .alias: ""
    }
  }
}
