import LabCore
import Yams

extension SchemaNode {
  /// The top of a YAML text, which must hold keys and values; `file` is the name that errors give.
  ///
  /// Throws `LabError` with file and line when the text is not YAML or a key stands twice; `examples`
  /// is the folder it points to.
  package static func root(of text: String, file: String, examples: String) throws -> SchemaNode {
    do {
      guard let root = try Yams.compose(yaml: text) else {
        throw LabError("\(file): the file is empty; see \(examples) for examples")
      }
      guard root.mapping != nil else {
        throw LabError("\(file):1: must hold keys and values; see \(examples) for examples")
      }
      return SchemaNode(node: root, path: "", file: file, overridden: [])
    } catch let error as YamlError {
      throw LabError(sentence(error, file: file))
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
