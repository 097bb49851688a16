import Foundation
import KnowledgeGraph
import LabCore

/// Finds the files that a study names.
enum StudyPaths {
  /// A schema by path relative to the study, or by name in the nearest `kg-schemas` folder above
  /// it.
  static func schema(_ node: SchemaNode, folder: URL) throws -> URL {
    let name = try node.text()
    let files = FileManager.default
    let beside = place(name, in: folder)
    if isFile(beside) { return beside }
    let isBare = !name.contains("/") && !name.hasSuffix(".yaml")
    var known: Set<String> = []
    for shelf in shelves(above: folder) {
      let file = shelf.appendingPathComponent(isBare ? "\(name).yaml" : name)
      if isFile(file) { return file }
      let names = (try? files.contentsOfDirectory(atPath: shelf.path)) ?? []
      known.formUnion(names.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) })
    }
    throw node.failure(
      "names the schema '\(name)', which is neither a file beside the study nor one in kg-schemas"
        + Suggestion.hint(for: name, in: known.sorted()))
  }

  /// A file or folder relative to the study.
  static func existing(_ node: SchemaNode, folder: URL) throws -> URL {
    let path = try node.text()
    let url = place(path, in: folder)
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw node.failure("names '\(path)', which does not exist in \(folder.relativePath)")
    }
    return url
  }

  private static func place(_ path: String, in folder: URL) -> URL {
    path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path)
  }

  private static func isFile(_ url: URL) -> Bool { FileKind.of(url) == .file }

  /// `kg-schemas` folders above the study, then above the working folder, nearest first.
  private static func shelves(above folder: URL) -> [URL] {
    let working = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    return [folder, working].flatMap { start -> [URL] in
      var place = start.standardizedFileURL
      var found = [place.appendingPathComponent("kg-schemas")]
      while place.pathComponents.count > 1 {
        place.deleteLastPathComponent()
        found.append(place.appendingPathComponent("kg-schemas"))
      }
      return found
    }
  }
}
