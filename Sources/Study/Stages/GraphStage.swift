package import Evaluation
package import Foundation
package import KnowledgeGraph
import LabCore

/// Makes or finds the graph of a study.
package struct GraphStage: Sendable {
  /// Raised when the same source makes another graph than before.
  static let version = 1

  private enum Maker: Sendable {
    case generator(GraphGenerator)
    case importer(TripleImporter, [URL])
  }

  private let maker: Maker
  /// Id of the task: changes when and only when the graph may change.
  package let id: String
  package let name: String
  private let words: String

  private struct GeneratedKey: Encodable {
    var schema: GraphSchema
    var seed: UInt64
    var version: Int
  }

  private struct ImportedKey: Encodable {
    var files: [String]
    var columns: String
    var seed: UInt64
    var heldOut: HeldOutShares
    var version: Int
  }

  /// Reads the schema, or hashes the files to import.
  ///
  /// Throws `LabError` naming the file and the place when either is wrong.
  package init(_ graph: StudyGraph) throws {
    switch graph.source {
    case .schema(let settings):
      let schema = try GraphSchema.read(
        settings.url, overrides: settings.overrides, scale: settings.scale)
      let key = GeneratedKey(schema: schema, seed: settings.seed, version: Self.version)
      maker = .generator(try GraphGenerator(schema: schema, seed: Seed(settings.seed)))
      let plain = Self.plain(schema.name)
      name = graph.name ?? plain
      id = try "\(plain)-\(CanonicalJSON.hash(key).short(10))"
      words = "generated from the schema \(schema.name) with seed \(settings.seed)"
    case .imported(let settings):
      let first = settings.urls.first?.deletingPathExtension().lastPathComponent ?? "graph"
      let plain = Self.plain(first)
      name = graph.name ?? plain
      let key = ImportedKey(
        files: try settings.urls.flatMap { try Self.hashes($0) },
        columns: settings.columns, seed: settings.seed, heldOut: settings.heldOut,
        version: Self.version)
      id = try "\(plain)-\(CanonicalJSON.hash(key).short(10))"
      maker = .importer(
        TripleImporter(
          name: plain, columns: try ColumnOrder(settings.columns), heldOut: settings.heldOut,
          seed: Seed(settings.seed)), settings.urls)
      words = "imported from \(settings.urls.map(\.lastPathComponent).joined(separator: ", "))"
    }
  }

  /// Whether a graph's file is the one that the task with this record made.
  func isIntact(_ file: URL, _ record: TaskRecord?) -> Bool {
    guard let hash = record?.outputHash else { return true }
    return (try? ContentHash(ofFile: file).hex) == hash
  }

  /// The graph in memory: read from `file` if that is there and as `record` says it was made, made
  /// anew otherwise, without writing it.
  package func graph(at file: URL?, record: TaskRecord? = nil) throws -> KnowledgeGraph {
    if let file, FileManager.default.fileExists(atPath: file.path), isIntact(file, record) {
      return try KnowledgeGraph.open(file)
    }
    switch maker {
    case .generator(let generator): return try generator.generate()
    case .importer(let importer, let urls): return try importer.load(urls)
    }
  }

  /// What the graph holds, for the plan and the report.
  package func summary(of graph: KnowledgeGraph) -> GraphSummary {
    GraphSummary(graph, id: id, name: name, source: words)
  }

  /// Writes the graph's SQLite file, whole or not at all.
  func write(to file: URL) throws {
    try AtomicFile.createFolder(file.deletingLastPathComponent())
    switch maker {
    case .generator(let generator): _ = try generator.write(to: file, overwrite: true)
    case .importer(let importer, let urls): _ = try importer.write(urls, to: file, overwrite: true)
    }
  }

  /// Hashes of a file, or of all files of a folder in order of their names.
  private static func hashes(_ url: URL) throws -> [String] {
    guard FileKind.of(url) == .folder else { return [try ContentHash(ofFile: url).hex] }
    return try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
      .filter { !$0.hasPrefix(".") }
      .map { try "\($0) \(ContentHash(ofFile: url.appendingPathComponent($0)).hex)" }
  }

  /// A name that can stand in a path: lower-case letters, digits and hyphens.
  private static func plain(_ name: String) -> String {
    let kept = name.lowercased().map { character in
      character.isASCII && (character.isLetter || character.isNumber) ? character : "-"
    }
    let text = String(kept).split(separator: "-").joined(separator: "-").prefix(40)
    return text.isEmpty ? "graph" : String(text)
  }
}
