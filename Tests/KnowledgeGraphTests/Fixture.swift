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

  /// Runs `body` with a new, empty folder that is gone afterwards.
  static func withFolder<T>(_ body: (URL) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("kglab-graph-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
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
