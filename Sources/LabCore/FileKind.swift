package import Foundation

/// What stands at a path.
package enum FileKind: Sendable {
  case file, folder

  /// Nil where there is nothing; links count as what they point to.
  package static func of(_ url: URL) -> FileKind? {
    let path = url.resolvingSymlinksInPath().path
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
      return nil
    }
    return attributes[.type] as? FileAttributeType == .typeDirectory ? .folder : .file
  }
}
