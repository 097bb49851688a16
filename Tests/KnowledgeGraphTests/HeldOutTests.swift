import Foundation
import KnowledgeGraph
import LabCore
import Testing

struct HeldOutTests {
  static func graph(_ heldOut: String, subjects: Int = 3000) throws -> KnowledgeGraph {
    try GeneratorTests.graph(
      subjects: subjects, objects: 50, "objects: {min: 1, max: 4}", heldOut: heldOut)
  }

  @Test func withoutSharesEverythingIsVisible() throws {
    let graph = try Self.graph("{}")
    #expect(graph.queries.allSatisfy { $0.visibility == .fvs })
    #expect(graph.statements(fraction: 1).count == graph.answers.count)
  }

  @Test func querySharesHideWholeQueries() throws {
    let graph = try Self.graph("{query: 0.2}")
    let hidden = graph.queries.filter { $0.visibility == .ivs }
    #expect(!graph.queries.contains { $0.visibility == .pvs })
    #expect(abs(Double(hidden.count) / 3000 - 0.2) < 0.03)
    for query in hidden { #expect(graph.answers[query.answers].allSatisfy { !$0.isVisible }) }
  }

  @Test func objectSharesHideSomeButNotAll() throws {
    let graph = try Self.graph("{object: 0.4}")
    let several = graph.queries.filter { $0.answers.count > 1 }
    let partial = graph.queries.filter { $0.visibility == .pvs }
    #expect(!graph.queries.contains { $0.visibility == .ivs })
    #expect(abs(Double(partial.count) / Double(several.count) - 0.4) < 0.05)
    var hiddenCounts = [0, 0, 0, 0, 0]
    for query in partial {
      let hidden = graph.answers[query.answers].count { !$0.isVisible }
      #expect(hidden >= 1 && hidden < query.answers.count)
      if query.answers.count == 4 { hiddenCounts[hidden] += 1 }
    }
    // One, two and three of four hidden are equally likely.
    let (value, _) = GeneratorTests.chiSquare(Array(hiddenCounts[1...3]), [1, 1, 1].map { $0 / 3 })
    #expect(value < 14)
  }

  @Test func subjectSharesHideEveryQueryOfTheSubject() throws {
    let schema = try Fixture.schema(
      "academia", overrides: ["visibility.held_out.subject=0.2", "visibility.held_out.query=0"])
    let graph = try GraphGenerator(schema: schema, seed: Seed(4)).generate()
    let trained = Set(graph.statements(fraction: 1).map(\.triple.subject))
    let hidden = Set(graph.queries.filter { $0.visibility == .ivs }.map(\.subject))
    #expect(trained.isDisjoint(with: hidden))
    #expect(abs(Double(hidden.count) / 740 - 0.2) < 0.06)
  }

  @Test func sharesCountAllQueriesAndAreNested() throws {
    let small = try Self.graph("{query: 0.1, subject: 0.1}")
    let large = try Self.graph("{query: 0.3, subject: 0.2, object: 0.5}")
    func hidden(_ graph: KnowledgeGraph) -> Set<Int32> {
      Set(graph.queries.filter { $0.visibility == .ivs }.map(\.subject))
    }
    #expect(hidden(small).isSubset(of: hidden(large)))
    #expect(abs(Double(hidden(small).count) / 3000 - 0.2) < 0.03)
    #expect(abs(Double(hidden(large).count) / 3000 - 0.5) < 0.04)
    #expect(small.answers.map(\.object) == large.answers.map(\.object))
  }

  @Test func fractionsAreNestedAndKeepTheirShare() throws {
    let graph = try Self.graph("{query: 0.2, object: 0.3}")
    let all = Set(graph.statements(fraction: 1).map(\.triple))
    let tenth = Set(graph.statements(fraction: 0.1).map(\.triple))
    let hundredth = Set(graph.statements(fraction: 0.01).map(\.triple))
    #expect(hundredth.isSubset(of: tenth) && tenth.isSubset(of: all))
    #expect(!hundredth.isEmpty)
    #expect(abs(Double(tenth.count) / Double(all.count) - 0.1) < 0.03)
    #expect(graph.queries.allSatisfy { $0.rank >= 0 && $0.rank < 1 })
    let first = try #require(graph.queries.first)
    #expect(
      first.rank
        == NameHash.rank(
          subject: NameHash.hash(graph.entities[Int(first.subject)].name),
          predicate: NameHash.hash("has")))
  }

  @Test func nameHashesNeverChange() {
    #expect(
      NameHash.rank(subject: NameHash.hash("Ada Lovelace"), predicate: NameHash.hash("born in"))
        == 0.8918219165069006)
  }
}
