package import Foundation
import KnowledgeGraph
import LabCore

/// The two files to start from: a schema and a study, with every key explained beside it.
///
/// They work as they are. A line that begins with "#" and no space after it is a setting that is
/// switched off.
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
    let files = [(schemaName, Data(schema.utf8)), (studyName, Data(study.utf8))]
    let isMissing = files.map { FileKind.of(folder.appendingPathComponent($0.0)) == nil }
    for (name, text) in files {
      let url = folder.appendingPathComponent(name)
      // A process that was killed between the two has left the first.
      let isHalf = isMissing.contains(true) && (try? Data(contentsOf: url)) == text
      guard FileKind.of(url) == nil || isHalf else {
        throw LabError(
          "\(url.relativePath) exists and is not replaced; move it away or give another folder",
          .usage)
      }
    }
    try AtomicFile.createFolder(folder)
    for (name, text) in files {
      try AtomicFile.write(text, to: folder.appendingPathComponent(name))
    }
  }
}
