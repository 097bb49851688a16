import Foundation
import LabCore
import Yams

/// One `path=value` from the command line: replaces or adds a value before the schema is decoded.
struct SchemaOverride {
  private static let deepest = 16

  let path: String
  let value: String

  init(_ text: String) throws {
    guard let split = text.firstIndex(of: "="), split != text.startIndex else {
      throw LabError(
        "--set \(text): must be of the form path=value, such as entity_types.person.count=5000",
        .usage)
    }
    let path = String(text[..<split]).trimmingCharacters(in: .whitespaces)
    self.path = path.hasPrefix("types.") ? "entity_" + path : path
    value = String(text[text.index(after: split)...]).trimmingCharacters(in: .whitespaces)
  }

  /// Changes the tree and returns the full path of the value.
  func apply(to root: inout Node, file: String) throws -> String {
    let parsed: Node
    do {
      parsed = try BoundedYAML.compose(value) ?? Node("")
    } catch let fault as BoundedYAML.Fault {
      throw LabError("--set \(path): \(fault.text)", .usage)
    } catch {
      throw LabError("--set \(path)=\(value): the value is not valid YAML", .usage)
    }
    root = try replaced(root, rest: Substring(path), above: [], by: Self.unmarked(parsed), file)
    return path
  }

  private func replaced(
    _ node: Node, rest: Substring, above: [String], by value: Node, _ file: String
  ) throws -> Node {
    guard !rest.isEmpty else { return value }
    guard above.count < Self.deepest else {
      throw LabError(
        "--set \(path.prefix(40))...: the path has more than \(Self.deepest) parts, and no schema is so "
          + "deep; shorten it", .usage)
    }
    var mapping = node.mapping ?? Node.Mapping([])
    let keys = mapping.compactMap(\.key.string)
    // A key may hold dots itself, so the longest one that fits is taken.
    let known = keys.filter { rest == $0 || rest.hasPrefix($0 + ".") }.max { $0.count < $1.count }
    let key = known ?? String(rest.prefix { $0 != "." })
    if known == nil, above == ["entity_types"] || above == ["predicates"] {
      throw LabError(
        "--set \(path)=\(self.value): \(file) has no '\(key)' in \(above[0])"
          + Suggestion.hint(for: key, in: keys), .usage)
    }
    let below = rest.dropFirst(key.count).dropFirst()
    mapping[key] = try replaced(
      mapping[key] ?? Node.mapping(Node.Mapping([])), rest: below, above: above + [key], by: value,
      file)
    return .mapping(mapping)
  }

  /// The same value without line numbers, which would be those of the option's text.
  private static func unmarked(_ node: Node) -> Node {
    switch node {
    case .scalar(let scalar): Node(scalar.string)
    case .sequence(let sequence): Node(sequence.map { unmarked($0) })
    case .mapping(let mapping): Node(mapping.map { (unmarked($0.key), unmarked($0.value)) })
    case .alias: node
    }
  }
}
