import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// What the documents show works as shown.
struct DocumentationTests {
  /// The fenced blocks of one language in a document.
  static func blocks(_ language: String, in document: String) throws -> [String] {
    let pieces = try Repository.text("docs/\(document)").components(separatedBy: "```")
    return pieces.enumerated().compactMap { index, piece in
      index % 2 == 1 && piece.hasPrefix(language + "\n")
        ? String(piece.dropFirst(language.count + 1)) : nil
    }
  }

  @Test func theExampleSchemaIsValid() throws {
    let schemas = try Self.blocks("yaml", in: "graphs.md")
    #expect(!schemas.isEmpty)
    for text in schemas {
      let schema = try GraphSchema.parse(text, file: "docs/graphs.md")
      #expect(schema.predicates.count == 3)
    }
  }

  @Test func theExampleQueriesRun() throws {
    let blocks = try Self.blocks("sql", in: "file-formats.md")
    #expect(!blocks.isEmpty)
    let file = try TinyFile()
    let queue = try DatabaseQueue(path: file.url.path)
    for statement in blocks.joined().split(separator: ";") where statement.contains("SELECT") {
      let rows = try queue.read { try Row.fetchAll($0, sql: String(statement)) }
      #expect(statement.contains("Ada Lovelace") || !rows.isEmpty)
    }
  }
}
