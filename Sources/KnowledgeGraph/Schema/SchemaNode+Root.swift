package import Foundation
import LabCore
import Yams

extension SchemaNode {
  /// The text of a YAML file; `kind` is what it should be: "schema".
  ///
  /// Throws `LabError` where it cannot be read or is not UTF-8.
  package static func text(of url: URL, kind: String) throws -> String {
    guard let data = try? Data(contentsOf: url) else {
      throw LabError(
        "cannot read the \(kind) \(url.relativePath): check that it exists and is readable")
    }
    if UTF16Text.isLikely([UInt8](data.prefix(4))) {
      throw LabError("the \(kind) \(url.relativePath) is UTF-16 text; \(UTF16Text.advice)")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw LabError(
        "the \(kind) \(url.relativePath) is not UTF-8 text; convert it, for example with iconv")
    }
    return text
  }

  /// The top of a YAML text, which must hold keys and values; `file` is the name that errors give.
  ///
  /// Throws `LabError` with file and line when the text is not YAML or a key stands twice;
  /// `examples` is the folder it points to.
  package static func root(of text: String, file: String, examples: String) throws -> SchemaNode {
    do {
      guard let root = try BoundedYAML.compose(text) else {
        throw LabError("\(file): the file is empty; see \(examples) for examples")
      }
      guard root.mapping != nil else {
        throw LabError("\(file):1: must hold keys and values; see \(examples) for examples")
      }
      return SchemaNode(node: root, path: "", file: file, overridden: [])
    } catch let error as YamlError {
      throw LabError(sentence(error, file: file))
    } catch let fault as BoundedYAML.Fault {
      throw LabError("\(file)\(fault.line.map { ":\($0)" } ?? ""): \(fault.text)")
    }
  }

  private static func sentence(_ error: YamlError, file: String) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return "\(file):\(mark.line): not valid YAML: \(problem)"
    case .duplicatedKeysInMapping(let keys, let context):
      return "\(file):\(context.mark.line): the key \(keys.sorted().joined(separator: ", ")) "
        + "stands here twice; remove one"
    default:
      let text = "\(error)".split(separator: "\n").first.map { String($0) } ?? "unreadable"
      return "\(file): not valid YAML: \(text)"
    }
  }
}
