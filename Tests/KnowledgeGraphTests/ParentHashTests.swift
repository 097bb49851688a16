import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Which types are kinds of which belongs to a graph, and older graphs stay what they were.
struct ParentHashTests {
  private let folder: TemporaryFolder
  private let url: URL
  private let queue: DatabaseQueue
  private let hash: String

  init() throws {
    folder = try TemporaryFolder()
    url = folder["kinds.sqlite"]
    let schema = try GraphSchema.parse(HierarchyTests.text, file: "kinds.yaml")
    hash = try GraphGenerator(schema: schema, seed: Seed(2)).write(to: url).contentHash
    #expect(try HierarchyTests.graph().contentHash == hash)
    queue = try DatabaseQueue(path: url.path)
  }

  @Test func otherParentsMakeAnotherGraph() throws {
    #expect(try KnowledgeGraph.open(url).contentHash == hash)
    try queue.write { try $0.execute(sql: "UPDATE entity_type SET parent_id = 1 WHERE id = 4") }
    #expect(try KnowledgeGraph.open(url).contentHash != hash)
    let checks = try GraphInspection(of: url).checks
    #expect(checks.contains { $0.name == "content hash" && !$0.passed })
    try queue.write { try $0.execute(sql: "UPDATE entity_type SET parent_id = NULL") }
    #expect(try KnowledgeGraph.open(url).contentHash != hash)
  }

  @Test func aCircleOfParentsIsRefused() throws {
    try queue.write { try $0.execute(sql: "UPDATE entity_type SET parent_id = 4 WHERE id = 1") }
    for message in [
      failure { try KnowledgeGraph.open(url) }, failure { try GraphInspection(of: url) },
      failure { try FittedSchema(of: url) },
    ] { #expect(message.contains("lead back to itself"), "\(message)") }
  }

  /// A file of an older version: its hash left parents out, and it has no number of the hash.
  @Test func filesOfOlderVersionsKeepTheirHash() throws {
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
    #expect(failure { try KnowledgeGraph.open(url) }.contains("update kglab"))
  }

  @Test func graphsWithoutParentsKeepTheirHash() throws {
    let graph = try GraphGenerator(schema: try Fixture.schema("tiny"), seed: Seed(7)).generate()
    #expect(graph.contentHash.hasPrefix("f8622e0b8909"))
  }
}
