import Foundation
import KnowledgeGraph
import LabCore
import Testing

/// Names that training never sees, and relations that say what is held out.
@Suite struct SplitAuditTests {
  private static func audit(train: [String], test: [String]) throws -> SplitAudit? {
    func text(_ lines: [String]) -> String {
      lines.map { $0.replacingOccurrences(of: " ", with: "\t") + "\n" }.joined()
    }
    return try Fixture.withFolder(["train.txt": text(train), "test.txt": text(test)]) { folder in
      let out = folder.appendingPathComponent("g.sqlite")
      let imported = try TripleImporter(name: "x").write([folder], to: out).split
      #expect(try GraphInspection(of: out).split == imported)
      return imported
    }
  }

  @Test func unseenNamesAreCounted() throws {
    let audit = try #require(
      try Self.audit(
        train: ["a r b", "c r d"],
        test: ["a r d", "new r b", "a r newer", "c only d", "new r newer"]))
    #expect(audit.heldOutCount == 5)
    #expect(audit.unseenEntityCount == 2 && audit.unseenPredicateCount == 1)
    #expect(audit.unseenTripleCount == 4)
    #expect(audit.relationPairs.isEmpty && audit.inferableCount == 0)
  }

  @Test func inversesAndDuplicatesAcrossTheSplitAreFound() throws {
    // Of 20 facts each: 'of' says 'has' the other way round in 16, 'same' says it again in 15.
    let pairs = (0..<20).map { (subject: "s\($0)", object: "o\($0)") }
    func lines(_ count: Int, _ line: ((subject: String, object: String)) -> String) -> [String] {
      pairs.prefix(count).map(line)
    }
    let has = lines(20) { "\($0.subject) has \($0.object)" }
    let of =
      lines(16) { "\($0.object) of \($0.subject)" }
      + (0..<4).map { "x\($0) of y\($0)" }
    let same = lines(15) { "\($0.subject) same \($0.object)" }
    let audit = try #require(
      try Self.audit(
        train: Array(has.dropFirst(2)) + of.dropLast(5) + same,
        test: Array(has.prefix(2)) + of.suffix(5)))
    #expect(
      audit.relationPairs.map { [$0.first, $0.second, "\($0.isInverse)"] } == [
        ["has", "of", "true"]
      ])
    #expect(audit.relationPairs.map(\.overlap) == [SplitAudit.leastOverlap])
    // Two of 'has' and one of 'of', the others of which nothing says.
    #expect(audit.heldOutCount == 7 && audit.inferableCount == 3)
  }

  @Test func aSymmetricRelationGivesItselfAway() throws {
    let audit = try #require(
      try Self.audit(train: ["a near b", "b near a", "c near d", "e is e"], test: ["d near c"]))
    #expect(audit.inferableCount == 1)
    #expect(audit.relationPairs.map(\.first) == ["near"])
    #expect(audit.relationPairs.map(\.second) == ["near"])
  }

  @Test(.timeLimit(.minutes(1))) func manyRelationsBetweenTwoEntitiesAreBounded() throws {
    let lines = (0..<5000).map { "a r\($0) b" }
    #expect(try Self.audit(train: lines, test: ["a held b"])?.heldOutCount == 1)
  }

  @Test func withoutAnythingHeldOutThereIsNothingToSay() throws {
    #expect(try Self.audit(train: ["a r b"], test: []) == nil)
  }
}
