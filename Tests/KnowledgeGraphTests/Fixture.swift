import Foundation
import KnowledgeGraph
import LabCore

/// Folders, schemas and files that the tests share.
enum Fixture {
  /// The repository's kg-schemas/.
  static let schemas = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("kg-schemas")

  static func schema(
    _ name: String, overrides: [String] = [], scale: Double = 1
  ) throws -> GraphSchema {
    try GraphSchema.read(
      schemas.appendingPathComponent("\(name).yaml"), overrides: overrides, scale: scale)
  }

  /// Runs `body` with a new folder of these texts by name that is gone afterwards.
  static func withFolder<T>(
    _ files: [String: String] = [:], _ body: (URL) throws -> T
  ) throws -> T {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("kglab-graph-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    return try body(folder)
  }

  /// The graph of one file of triples.
  static func load(_ text: String, _ name: String) throws -> KnowledgeGraph {
    try withFolder([name: text]) {
      try TripleImporter(name: "x").load([$0.appendingPathComponent(name)])
    }
  }

  /// The text of the error that `body` throws; empty where it throws none.
  static func failure(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)"
    }
  }
}
