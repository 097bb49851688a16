import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import Testing

/// Which types are kinds of which belongs to a graph, and older graphs stay what they were.
struct ParentHashTests {
  private static func withGraph(_ body: (URL, DatabaseQueue, String) throws -> Void) throws {
    try Fixture.withFolder { folder in
      let url = folder.appendingPathComponent("kinds.sqlite")
      let schema = try GraphSchema.parse(HierarchyTests.text, file: "kinds.yaml")
      let graph = try GraphGenerator(schema: schema, seed: Seed(2)).write(to: url)
      #expect(try HierarchyTests.graph().contentHash == graph.contentHash)
      try body(url, try DatabaseQueue(path: url.path), graph.contentHash)
    }
  }

  @Test func otherParentsMakeAnotherGraph() throws {
    try Self.withGraph { url, queue, hash in
      #expect(try KnowledgeGraph.open(url).contentHash == hash)
      try queue.write { try $0.execute(sql: "UPDATE entity_type SET parent_id = 1 WHERE id = 4") }
      #expect(try KnowledgeGraph.open(url).contentHash != hash)
      let checks = try GraphInspection(of: url).checks
      #expect(checks.contains { $0.name == "content hash" && !$0.passed })
      try queue.write { try $0.execute(sql: "UPDATE entity_type SET parent_id = NULL") }
      #expect(try KnowledgeGraph.open(url).contentHash != hash)
    }
  }

  @Test func aCircleOfParentsIsRefused() throws {
    try Self.withGraph { url, queue, _ in
      try queue.write { try $0.execute(sql: "UPDATE entity_type SET parent_id = 4 WHERE id = 1") }
      for message in [
        Fixture.failure { _ = try KnowledgeGraph.open(url) },
        Fixture.failure { _ = try GraphInspection(of: url) },
        Fixture.failure { _ = try FittedSchema(of: url) },
      ] {
        #expect(message.contains("lead back to itself"), "\(message)")
      }
    }
  }

  /// A file of an older version: its hash left parents out, and it has no number of the hash.
  @Test func filesOfOlderVersionsKeepTheirHash() throws {
    try Self.withGraph { url, queue, hash in
      try queue.write { database in
        try database.execute(sql: "DELETE FROM metadata WHERE key = 'hash_version'")
      }
      let old = try KnowledgeGraph.open(url).contentHash
      #expect(old != hash)
      try queue.write { database in
        try database.execute(
          sql: "UPDATE metadata SET value = ? WHERE key = 'content_hash'", arguments: [old])
      }
      #expect(try GraphInspection(of: url).isSound)
      try queue.write { database in
        try database.execute(sql: "INSERT INTO metadata VALUES ('hash_version', '9')")
      }
      #expect(Fixture.failure { _ = try KnowledgeGraph.open(url) }.contains("update kglab"))
    }
  }

  @Test func graphsWithoutParentsKeepTheirHash() throws {
    let graph = try GraphGenerator(schema: try Fixture.schema("tiny"), seed: Seed(7)).generate()
    #expect(graph.contentHash.hasPrefix("f8622e0b8909"))
  }
}
