import ArgumentParser
import Foundation
import LabCore

/// Lists that options take, separated by commas.
package enum OptionList {
  /// The values of an option's list in the order given.
  ///
  /// Throws `LabError` for an empty part and for a value given twice, and what `read` throws of a
  /// part.
  package static func values<Value: Hashable>(
    _ text: String, _ option: String, _ read: (String) throws -> Value
  ) throws -> [Value] {
    var seen: Set<Value> = []
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { field in
      let part = field.trimmingCharacters(in: .whitespaces)
      guard !part.isEmpty else {
        throw LabError(
          "\(option) '\(text)' has an empty part; separate values by one comma", .usage)
      }
      let value = try read(part)
      guard seen.insert(value).inserted else {
        throw LabError("\(option) '\(text)' has '\(part)' twice; give each value once", .usage)
      }
      return value
    }
  }

  /// Runs a check within `validate`, where a failure is followed by the command's usage.
  package static func validate(_ check: () throws -> some Any) throws {
    do {
      _ = try check()
    } catch let error as LabError {
      throw ValidationError(error.description)
    }
  }

  /// The cases that a list names; throws `LabError` with the nearest known name.
  package static func cases<Value: RawRepresentable & CaseIterable & Hashable>(
    _ text: String, _ option: String
  ) throws -> [Value] where Value.RawValue == String {
    try values(text, option) { name in
      try known(name, option, Value.allCases.map(\.rawValue), Value.init(rawValue:))
    }
  }

  /// The value behind one of some names; throws `LabError` with the nearest of them.
  package static func known<Value>(
    _ name: String, _ option: String, _ names: [String], _ value: (String) -> Value?
  ) throws -> Value {
    guard let value = value(name.lowercased()) else {
      throw LabError(
        "\(option) '\(name)' is unknown\(Suggestion.hint(for: name, in: names))", .usage)
    }
    return value
  }
}
