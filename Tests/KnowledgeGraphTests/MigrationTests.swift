import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Files of older layouts are read, changed to the present one, and stay what they were.
struct MigrationTests {
  /// The tables, index and views of layout 1, as its release made them.
  static let layout1 = """
    CREATE TABLE metadata (
      key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
      value TEXT NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE entity_type (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      name TEXT NOT NULL UNIQUE CHECK (name <> '')
    ) STRICT;
    CREATE TABLE entity (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      entity_type_id INTEGER NOT NULL REFERENCES entity_type (id),
      name TEXT NOT NULL CHECK (name <> ''),
      UNIQUE (name, entity_type_id)
    ) STRICT;
    CREATE TABLE predicate (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id >= 0),
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      subject_type_id INTEGER REFERENCES entity_type (id),
      object_type_id INTEGER REFERENCES entity_type (id)
    ) STRICT;
    CREATE TABLE triple (
      subject_id INTEGER NOT NULL REFERENCES entity (id),
      predicate_id INTEGER NOT NULL REFERENCES predicate (id),
      object_id INTEGER NOT NULL REFERENCES entity (id),
      held_out TEXT CHECK (held_out IN ('object', 'query', 'subject')),
      bits REAL CHECK (bits >= 0),
      PRIMARY KEY (subject_id, predicate_id, object_id)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX triple_inverse ON triple (object_id, predicate_id, subject_id);
    CREATE VIEW triple_text AS
      SELECT s.name AS subject, p.name AS predicate, o.name AS object,
        st.name AS subject_type, ot.name AS object_type, t.held_out, t.bits,
        t.subject_id, t.predicate_id, t.object_id
      FROM triple t
      JOIN entity s ON s.id = t.subject_id
      JOIN predicate p ON p.id = t.predicate_id
      JOIN entity o ON o.id = t.object_id
      JOIN entity_type st ON st.id = s.entity_type_id
      JOIN entity_type ot ON ot.id = o.entity_type_id;
    CREATE VIEW query AS
      SELECT s.name AS subject, p.name AS predicate,
        CASE WHEN q.visible_count = q.answer_count THEN 'fvs'
          WHEN q.visible_count = 0 THEN 'ivs' ELSE 'pvs' END AS visibility,
        q.answer_count, q.visible_count, q.bits, q.subject_id, q.predicate_id
      FROM (
        SELECT subject_id, predicate_id, COUNT(*) AS answer_count,
          COUNT(*) - COUNT(held_out) AS visible_count, SUM(bits) AS bits
        FROM triple GROUP BY subject_id, predicate_id
      ) q
      JOIN entity s ON s.id = q.subject_id
      JOIN predicate p ON p.id = q.predicate_id;
    """

  /// The triples of `graph` in a file of layout 1, with the content hash of that release.
  static func writeLayout1(_ graph: KnowledgeGraph, to url: URL) throws {
    try DatabaseQueue(path: url.path).writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA application_id = \(0x6B67_6C62); PRAGMA user_version = 1")
      try database.execute(sql: layout1)
      for (id, type) in graph.entityTypes.enumerated() {
        try database.execute(
          sql: "INSERT INTO entity_type VALUES (?, ?)", arguments: [id, type.name])
      }
      for (id, entity) in graph.entities.enumerated() {
        try database.execute(
          sql: "INSERT INTO entity VALUES (?, ?, ?)", arguments: [id, entity.type, entity.name])
      }
      for (id, predicate) in graph.predicates.enumerated() {
        try database.execute(
          sql: "INSERT INTO predicate VALUES (?, ?, ?, ?)",
          arguments: [id, predicate.name, predicate.subjectType, predicate.objectType])
      }
      for query in graph.queries {
        for answer in graph.answers[query.answers] {
          try database.execute(
            sql: "INSERT INTO triple VALUES (?, ?, ?, ?, ?)",
            arguments: [
              query.subject, query.predicate, answer.object, answer.isVisible ? nil : "query",
              answer.bits,
            ])
        }
      }
      try database.execute(
        sql: """
          INSERT INTO metadata VALUES ('content_hash', ?), ('name', 'tiny'), ('source', 'generated')
          """,
        arguments: [graph.contentHash])
    }
  }

  private let folder: TemporaryFolder
  private let url: URL
  private let graph: KnowledgeGraph

  init() throws {
    folder = try TemporaryFolder()
    url = folder["old.sqlite"]
    graph = try GraphGenerator(schema: try Fixture.schema("tiny"), seed: Seed(7)).generate()
    try Self.writeLayout1(graph, to: url)
  }

  @Test func layout1IsReadAndBecomesLayout2() throws {
    let opened = try KnowledgeGraph.open(url)
    #expect(opened.contentHash == graph.contentHash)
    #expect(opened.answers == graph.answers && opened.predicates == graph.predicates)
    #expect(try GraphInspection(of: url).isSound)
    try DatabaseQueue(path: url.path).read { database in
      #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == 2)
      let sum = try Int.fetchOne(database, sql: "SELECT SUM(exposures) FROM triple_text")
      #expect(sum == graph.answers.count)
      let count = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM query")
      #expect(count == graph.queries.count)
    }
  }

  @Test func aChangeThatFailsLeavesTheFileAsItWas() throws {
    // The change begins with columns and ends with views, one of which is not there.
    try DatabaseQueue(path: url.path).write { try $0.execute(sql: "DROP VIEW query") }
    expectFailure("old.sqlite") { try KnowledgeGraph.open(url) }
    try DatabaseQueue(path: url.path).read { database in
      #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == 1)
      let columns = try database.columns(in: "triple").map(\.name)
      #expect(!columns.contains("exposures"))
    }
  }
}
