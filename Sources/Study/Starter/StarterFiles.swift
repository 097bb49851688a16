package import Foundation
import KnowledgeGraph
import LabCore

/// The two files to start from: a schema and a study, with every key explained beside it.
///
/// They work as they are. A line that begins with "#" and no space after it is a setting that is switched
/// off; `allSettings` has them all on, for tests and for who wants to see everything at work.
package enum StarterFiles {
  package static let schemaName = "schema.yaml"
  package static let studyName = "study.yaml"

  /// Writes both files into a folder, which is made if it is not there.
  ///
  /// Throws `LabError` when one of them exists, and then writes neither.
  package static func write(to folder: URL) throws {
    if FileKind.of(folder) == .file {
      throw LabError("\(folder.relativePath) is a file; give a folder", .usage)
    }
    for name in [schemaName, studyName] {
      let url = folder.appendingPathComponent(name)
      guard FileKind.of(url) == nil else {
        throw LabError(
          "\(url.relativePath) exists and is not replaced; move it away or give another folder",
          .usage)
      }
    }
    try AtomicFile.createFolder(folder)
    try AtomicFile.write(
      Data(schema.utf8), to: folder.appendingPathComponent(schemaName))
    try AtomicFile.write(Data(study.utf8), to: folder.appendingPathComponent(studyName))
  }

  /// The text of a starter file with every setting switched on.
  package static func allSettings(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let indentation = line.prefix { $0 == " " }
      let rest = line.dropFirst(indentation.count)
      guard rest.hasPrefix("#"), let next = rest.dropFirst().first, next != " " else {
        return String(line)
      }
      return String(indentation + rest.dropFirst())
    }.joined(separator: "\n")
  }
}
