import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// `GraphInspection` compares the triples with what their schema promises.
struct ConstraintCheckTests {
  private static let names = [
    "functional", "inverse functional", "symmetric", "acyclic", "transitive", "inverses", "rules",
    "inferable", "false statements", "exposures",
  ]

  /// The bytes of a graph of one of every rule.
  private static let kinship = Result {
    let folder = try TemporaryFolder()
    let url = folder["graph.sqlite"]
    let schema = try Fixture.schema("kinship", scale: 0.4)
    _ = try GraphGenerator(schema: schema, seed: Seed(7)).write(to: url)
    return try Data(contentsOf: url)
  }

  private let folder: TemporaryFolder
  private let url: URL

  init() throws {
    folder = try TemporaryFolder()
    url = folder["graph.sqlite"]
    try Self.kinship.get().write(to: url)
  }

  @Test func aGeneratedGraphKeepsItsPromises() throws {
    let inspection = try GraphInspection(of: url)
    #expect(inspection.isSound, "\(inspection.checks.filter { !$0.passed })")
    #expect(inspection.checks.map(\.name).suffix(Self.names.count) == Self.names[...])
  }

  @Test(arguments: ["bios", "reversal", "singletons", "academia"])
  func soDoTheSchemasOfTheLibrary(name: String) throws {
    let schema = try Fixture.schema(name)
    _ = try GraphGenerator(schema: schema, seed: Seed(3)).write(to: url, overwrite: true)
    let inspection = try GraphInspection(of: url)
    #expect(inspection.isSound, "\(inspection.checks.filter { !$0.passed })")
    #expect(inspection.checks.contains { $0.name == "exposures" })
  }

  /// A change to the file, the check that is to fail, and the predicate that it names.
  struct Breach: CustomTestStringConvertible {
    let check: String
    let predicate: String
    let sql: String
    let says: String

    var testDescription: String { "\(check): \(says)" }
  }

  private static func id(_ predicate: String) -> String {
    "(SELECT id FROM predicate WHERE name = '\(predicate)')"
  }

  static let breaches = [
    Breach(
      check: "functional", predicate: "height",
      sql: """
        INSERT INTO triple (subject_id, predicate_id, object_id)
        SELECT subject_id, predicate_id, (SELECT MIN(e.id) FROM entity e WHERE e.entity_type_id =
            (SELECT object_type_id FROM predicate WHERE name = 'height') AND e.id NOT IN
              (SELECT o.object_id FROM triple o
                WHERE o.subject_id = t.subject_id AND o.predicate_id = t.predicate_id))
        FROM triple t WHERE predicate_id = \(id("height")) LIMIT 1
        """, says: "stands beside the object"),
    Breach(
      check: "inverse functional", predicate: "phone",
      sql: """
        UPDATE triple SET object_id = (SELECT object_id FROM triple WHERE predicate_id = \(id("phone"))
          ORDER BY subject_id DESC LIMIT 1)
        WHERE predicate_id = \(id("phone")) AND subject_id =
          (SELECT MIN(subject_id) FROM triple WHERE predicate_id = \(id("phone")))
        """, says: "shares its object with the subject"),
    Breach(
      check: "symmetric", predicate: "knows",
      sql: """
        DELETE FROM triple WHERE predicate_id = \(id("knows")) AND derivation = 'symmetric'
          AND subject_id = (SELECT MAX(subject_id) FROM triple
            WHERE predicate_id = \(id("knows")) AND derivation = 'symmetric')
        """, says: "does not hold the other way round"),
    Breach(
      check: "symmetric", predicate: "married to",
      sql: "UPDATE triple SET derivation = NULL WHERE predicate_id = \(id("married to"))",
      says: "standing for themselves"),
    Breach(
      check: "acyclic", predicate: "parent",
      sql: """
        INSERT OR IGNORE INTO triple (subject_id, predicate_id, object_id)
        SELECT object_id, predicate_id, subject_id FROM triple
        WHERE predicate_id = \(id("parent")) LIMIT 1
        """, says: "leads back to itself"),
    Breach(
      check: "transitive", predicate: "inside",
      sql: """
        DELETE FROM triple WHERE predicate_id = \(id("inside")) AND derivation = 'transitive'
          AND subject_id = (SELECT MIN(subject_id) FROM triple
            WHERE predicate_id = \(id("inside")) AND derivation = 'transitive')
        """, says: "is missing, although a chain"),
    Breach(
      check: "inverses", predicate: "child",
      sql: """
        DELETE FROM triple WHERE predicate_id = \(id("child")) AND subject_id =
          (SELECT MIN(subject_id) FROM triple WHERE predicate_id = \(id("child")))
        """, says: "is missing, although 'parent' makes it follow"),
    Breach(
      check: "rules", predicate: "works in",
      sql: """
        INSERT INTO triple (subject_id, predicate_id, object_id, derivation, inferable)
        SELECT subject_id, predicate_id, (SELECT MAX(e.id) FROM entity e JOIN entity_type y
            ON y.id = e.entity_type_id WHERE y.name = 'place' AND e.id <> t.object_id), 'rule', 1
        FROM triple t WHERE predicate_id = \(id("works in")) LIMIT 1
        """, says: "does not follow by the rule"),
    Breach(
      check: "rules", predicate: "grandparent",
      sql: "UPDATE triple SET derivation = NULL WHERE predicate_id = \(id("grandparent"))",
      says: "not labelled as entailed"),
    Breach(
      check: "inferable", predicate: "sibling",
      sql: """
        UPDATE triple SET inferable = 0 WHERE predicate_id = \(id("sibling")) AND inferable = 1
          AND held_out IS NOT NULL
        """, says: "is not labelled inferable"),
    Breach(
      check: "inferable", predicate: "works in",
      sql: """
        UPDATE triple SET held_out = NULL
        WHERE predicate_id = \(id("works in")) AND inferable = 0
        """, says: "does not follow from what is trained on"),
    Breach(
      check: "inferable", predicate: "knows",
      sql: """
        UPDATE triple SET inferable = 1
        WHERE predicate_id = \(id("knows")) AND derivation = 'symmetric' AND inferable = 0
        """, says: "is labelled inferable"),
    Breach(
      check: "inferable", predicate: "inside",
      sql: """
        UPDATE triple SET inferable = 1 - inferable WHERE predicate_id = \(id("inside"))
          AND derivation = 'transitive' AND held_out IS NOT NULL
        """, says: "inferable"),
    Breach(
      check: "inferable", predicate: "height",
      sql: "UPDATE triple SET derivation = 'rule' WHERE predicate_id = \(id("height"))",
      says: "is labelled entailed (rule)"),
    Breach(
      check: "false statements", predicate: "seat",
      sql: "UPDATE triple SET noise = 'stale' WHERE predicate_id = \(id("seat"))",
      says: "which the schema does not ask for"),
    Breach(
      check: "false statements", predicate: "works for",
      sql: """
        UPDATE triple SET noise = 'contradictory'
        WHERE predicate_id = \(id("works for")) AND held_out IS NULL
        """, says: "no true answer is trained on beside it"),
    Breach(
      check: "false statements", predicate: "height",
      sql: """
        UPDATE triple SET held_out = 'object'
        WHERE predicate_id = \(id("height")) AND noise = 'stale'
        """, says: "is not trained on"),
    Breach(
      check: "exposures", predicate: "seat",
      sql: "UPDATE triple SET exposures = 7 WHERE predicate_id = \(id("seat"))",
      says: "has 7 exposures, where the schema gives 1"),
  ]

  @Test(arguments: breaches)
  func aBrokenPromiseIsNamed(breach: Breach) throws {
    let queue = try DatabaseQueue(path: url.path)
    try queue.write { database in
      try database.execute(sql: breach.sql)
      #expect(database.changesCount > 0)
    }
    let checks = try GraphInspection(of: url).checks
    let check = try #require(checks.first { $0.name == breach.check })
    #expect(!check.passed)
    #expect(check.detail.contains("predicate '\(breach.predicate)': ("), "\(check.detail)")
    #expect(check.detail.contains(", \(breach.predicate), "), "\(check.detail)")
    #expect(check.detail.contains(breach.says), "\(check.detail)")
  }

  @Test func exposuresBelowOneAreRefused() throws {
    let queue = try DatabaseQueue(path: url.path)
    try queue.writeWithoutTransaction { database in
      try database.execute(
        sql: "PRAGMA ignore_check_constraints = ON; UPDATE triple SET exposures = 0")
    }
    expectFailure("exposures") { try GraphInspection(of: url) }
  }
}
