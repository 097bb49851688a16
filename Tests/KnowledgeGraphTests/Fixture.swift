import Foundation
import KnowledgeGraph
import LabCore
import TestSupport

/// Schemas and graphs that the tests share.
enum Fixture {
  /// The repository's kg-schemas/.
  static let schemas = Repository.file("kg-schemas")

  static func schema(
    _ name: String, overrides: [String] = [], scale: Double = 1
  ) throws -> GraphSchema {
    try GraphSchema.read(
      schemas.appendingPathComponent("\(name).yaml"), overrides: overrides, scale: scale)
  }

  /// What writes a graph in a format, with its split.
  static func splitExporter(_ format: TripleFormat) -> GraphExporter {
    with(GraphExporter()) { exporter in
      exporter.format = format
      exporter.isSplit = true
    }
  }

  /// The graph of a folder of text files.
  static func load(
    _ files: [String: String], _ importer: TripleImporter = TripleImporter(name: "x")
  ) throws -> KnowledgeGraph {
    let folder = try TemporaryFolder(files)
    return try importer.load([folder.url])
  }
}

/// The graph of the schema tiny, and its file.
struct TinyFile {
  let folder: TemporaryFolder
  let url: URL
  let graph: KnowledgeGraph

  init() throws {
    folder = try TemporaryFolder()
    url = folder["graph.sqlite"]
    let generator = try GraphGenerator(schema: try Fixture.schema("tiny"), seed: Seed(7))
    _ = try generator.write(to: url)
    graph = try generator.generate()
  }
}
