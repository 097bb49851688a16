import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct StoreTests {
  private let file: TinyFile
  private var url: URL { file.url }
  private var graph: KnowledgeGraph { file.graph }

  init() throws { file = try TinyFile() }

  @Test func theFileHoldsTheGeneratedGraph() throws {
    let opened = try KnowledgeGraph.open(url)
    #expect(opened.contentHash == graph.contentHash)
    #expect(opened.entities == graph.entities)
    #expect(opened.entityTypes == graph.entityTypes)
    #expect(opened.predicates == graph.predicates)
    #expect(opened.queries == graph.queries)
    #expect(opened.answers == graph.answers)
  }

  /// In journal mode WAL SQLite needs a file beside the graph, which a link to itself keeps it from
  /// making.
  @Test func graphsInAnotherJournalModeAreReadWhereNothingCanBeWritten() throws {
    try DatabaseQueue(path: url.path).inDatabase {
      try $0.execute(sql: "PRAGMA journal_mode = wal")
    }
    try FileManager.default.createSymbolicLink(
      atPath: url.path + "-shm", withDestinationPath: url.lastPathComponent + "-shm")
    #expect(try KnowledgeGraph.open(url).contentHash == graph.contentHash)
    try Data([0]).write(to: URL(fileURLWithPath: url.path + "-wal"))
    expectFailure("journal mode WAL", "PRAGMA journal_mode = delete") {
      try KnowledgeGraph.open(url)
    }
  }

  @Test(arguments: [
    "INSERT INTO triple SELECT * FROM triple LIMIT 1",
    "INSERT INTO triple VALUES (99999, 0, 0, NULL, NULL, 1, NULL, NULL, NULL)",
    "INSERT INTO triple VALUES (0, 99, 0, NULL, NULL, 1, NULL, NULL, NULL)",
    "INSERT INTO triple VALUES (0, 0, 99999, NULL, NULL, 1, NULL, NULL, NULL)",
    "INSERT INTO triple VALUES (0, 0, NULL, NULL, NULL, 1, NULL, NULL, NULL)",
    "INSERT INTO triple VALUES (0, 0, 'x', NULL, NULL, 1, NULL, NULL, NULL)",
    "UPDATE triple SET held_out = 'maybe'",
    "UPDATE triple SET bits = -1",
    "UPDATE triple SET bits = 'many'",
    "UPDATE entity SET name = '' WHERE id = 0",
    "UPDATE triple SET exposures = 0",
    "UPDATE triple SET derivation = 'guess'",
    "UPDATE triple SET noise = 'loud'",
    "UPDATE entity SET entity_type_id = 77 WHERE id = 0",
    "UPDATE entity SET name = NULL WHERE id = 0",
    "DELETE FROM entity WHERE id = 0",
    "DELETE FROM entity_type WHERE id = 0",
    "INSERT INTO entity (id, entity_type_id, name) VALUES (-1, 0, 'below')",
    "INSERT INTO predicate (id, name) VALUES (9, 'born in')",
    "INSERT INTO metadata VALUES ('name', 'other')",
  ])
  func theFileRefusesWhatBreaksItsRules(sql: String) throws {
    let queue = try DatabaseQueue(path: url.path)
    #expect(throws: DatabaseError.self) {
      try queue.write { database in try database.execute(sql: sql) }
    }
    #expect(try GraphInspection(of: url).isSound)
  }

  @Test func viewsSayTheSameAsTheGraph() throws {
    let queue = try DatabaseQueue(path: url.path)
    try queue.read { database in
      let queries = try Row.fetchAll(
        database,
        sql: """
          SELECT subject, predicate, visibility, answer_count, visible_count FROM query
          ORDER BY subject_id, predicate_id
          """)
      #expect(queries.count == graph.queries.count)
      for (row, query) in zip(queries, graph.queries) {
        #expect(row[0] == graph.entities[Int(query.subject)].name)
        #expect(row[1] == graph.predicates[Int(query.predicate)].name)
        #expect(row[2] == query.visibility.rawValue)
        #expect(row[3] == query.answers.count)
        #expect(row[4] == graph.answers[query.answers].count { $0.isVisible })
      }
      let trained = try Int.fetchOne(
        database, sql: "SELECT COUNT(*) FROM triple_text WHERE held_out IS NULL")
      #expect(trained == graph.statements(fraction: 1).count)
      #expect(try Int32.fetchOne(database, sql: "PRAGMA application_id") == 0x6B67_6C62)
      #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == 2)
      let plan = try Row.fetchAll(
        database, sql: "EXPLAIN QUERY PLAN SELECT subject_id FROM triple WHERE object_id = 1")
      #expect(plan.contains { ($0["detail"] as String).contains("triple_inverse") })
    }
  }

  @Test func aChangeAfterwardsIsFound() throws {
    let queue = try DatabaseQueue(path: url.path)
    try queue.write { database in
      try database.execute(sql: "UPDATE entity SET name = 'Someone Else' WHERE id = 0")
    }
    let inspection = try GraphInspection(of: url)
    #expect(inspection.checks.filter { !$0.passed }.map(\.name) == ["content hash"])
    #expect(try KnowledgeGraph.open(url).contentHash != graph.contentHash)
    try queue.writeWithoutTransaction { database in
      try database.execute(
        sql: """
          PRAGMA foreign_keys = OFF;
          UPDATE triple SET object_id = 0 WHERE (subject_id, predicate_id) IN (
            SELECT subject_id, predicate_id FROM query WHERE predicate = 'born in' LIMIT 1);
          """)
    }
    let failed = try GraphInspection(of: url).checks.filter { !$0.passed }.map(\.name)
    #expect(failed == ["entity types", "content hash"])
  }

  @Test func otherFilesAreRefusedInOneSentence() throws {
    let folder = try TemporaryFolder()
    func says(_ name: String, _ part: String) {
      expectFailure(part, name) { try KnowledgeGraph.open(folder[name]) }
    }
    says("missing.sqlite", "does not exist")
    try folder.write("head\trelation\ttail\n", to: "text.sqlite")
    says("text.sqlite", "no SQLite file")
    try Data().write(to: folder["empty.sqlite"])
    says("empty.sqlite", "is empty")
    let other = try DatabaseQueue(path: folder["other.sqlite"].path)
    try other.write { try $0.execute(sql: "CREATE TABLE triple (a, b, c)") }
    says("other.sqlite", "another program")
    try other.write {
      try $0.execute(sql: "PRAGMA application_id = \(0x6B67_6C62)")
      try $0.execute(sql: "PRAGMA user_version = 99")
    }
    says("other.sqlite", "newer kglab")
    try other.write { try $0.execute(sql: "PRAGMA user_version = 1") }
    says("other.sqlite", "damaged")
  }

  @Test func aTruncatedFileIsRefused() throws {
    let whole = try Data(contentsOf: url)
    for count in [100, 5000, whole.count / 2, whole.count - 9000] {
      try whole.prefix(count).write(to: url)
      expectFailure(url.lastPathComponent) { try KnowledgeGraph.open(url) }
    }
  }

  @Test func rowsThatPointNowhereAreNamed() throws {
    for sql in [
      "UPDATE triple SET object_id = 70000 WHERE rowid_free = 0",
      "UPDATE entity SET id = 70000 WHERE id = 1", "UPDATE entity SET entity_type_id = 9",
    ] {
      let queue = try DatabaseQueue(path: url.path)
      try queue.writeWithoutTransaction { database in
        try database.execute(
          sql: "PRAGMA foreign_keys = OFF;"
            + sql.replacingOccurrences(of: "rowid_free", with: "predicate_id"))
      }
      expectFailure("damaged") { try KnowledgeGraph.open(url) }
    }
  }
}
