import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// How often triples are presented, and what is said that is not so.
struct ExposureTests {
  static let cases: [(model: String, probabilities: [Double])] = [
    ("{min: 2, max: 4}", [0, 1, 1, 1].map { $0 / 3 }),
    ("{zipf: 2, max: 3}", [36, 9, 4].map { $0 / 49 }),
    // P(K >= k) = 1 / k up to 4.
    ("{pareto: 1, max: 4}", [1 / 2, 1 / 6, 1 / 12, 1 / 4]),
  ]

  @Test(arguments: cases)
  func exposuresFollowTheirDistribution(model: String, probabilities: [Double]) throws {
    let graph = try SmallSchema.graph(
      "  has: {subject: person, object: thing, objects: 3}", people: 2000,
      rest: "exposures: \(model)")
    var counts = [Int](repeating: 0, count: probabilities.count)
    for answer in graph.answers { counts[Int(answer.exposures) - 1] += 1 }
    for (count, probability) in zip(counts, probabilities) where probability == 0 {
      #expect(count == 0)
    }
    let (value, cells) = GeneratorTests.chiSquare(counts, probabilities)
    let freedom = Double(cells - 1)
    #expect(value < freedom + 4 * (2 * freedom).squareRoot())
  }

  @Test func aPredicateCanHaveItsOwn() throws {
    let graph = try SmallSchema.graph(
      """
        has: {subject: person, object: thing}
        knows: {subject: person, object: person, exposures: 7}
      """, rest: "exposures: 2")
    #expect(graph.pairs("has").allSatisfy { $0.answer.exposures == 2 })
    #expect(graph.pairs("knows").allSatisfy { $0.answer.exposures == 7 })
  }

  @Test func theShareOfSingletonsIsReported() throws {
    let folder = try TemporaryFolder()
    let made = try GraphGenerator(schema: try Fixture.schema("singletons"), seed: Seed(1))
      .write(to: folder["graph.sqlite"])
    let row = try #require(
      made.statistics.first { $0.setting == "exposures (share presented once)" })
    #expect(abs(row.requested - 0.5) < 1e-12)
    #expect(abs(row.achieved - 0.5) < 0.03)
    #expect(abs(made.profile.training.singletonShare - row.achieved) < 1e-12)
  }

  @Test func falseStatementsAreTaughtButNotTrue() throws {
    let graph = try SmallSchema.graph(
      "  has: {subject: person, object: thing, functional: true}", people: 4000,
      rest: """
        noise: {contradictory: 0.1, stale: 0.05, duplicate: 0.2}
        visibility: {held_out: {query: 0.25}}
        """)
    let visible = graph.queries.count { $0.visibility == .fvs }
    for (noise, share) in [(Noise.contradictory, 0.1), (.stale, 0.05)] {
      let count = Double(graph.falsehoods.count { $0.noise == noise })
      #expect(abs(count / Double(visible) - share) < 0.02)
    }
    for statement in graph.falsehoods {
      let triple = statement.triple
      let query = try #require(graph.query(subject: triple.subject, predicate: triple.predicate))
      #expect(query.visibility == .fvs)
      #expect(!graph.answers[query.answers].contains { $0.object == triple.object })
      let name = graph.entities[Int(triple.object)].name
      #expect(graph.verdict(on: name, for: query) == .wrongObject)
    }
    let doubled = graph.answers.count { $0.exposures == 2 }
    #expect(abs(Double(doubled) / Double(visible) - 0.2) < 0.02)
    let statements = graph.statements(fraction: 1)
    #expect(statements.count == visible + graph.falsehoods.count)
    #expect(statements == statements.sorted { $0.triple < $1.triple })
    let tenth = graph.statements(fraction: 0.1)
    #expect(Set(tenth).isSubset(of: Set(statements)))
    #expect(tenth.contains { $0.noise == .contradictory })
  }

  @Test func noiseSurvivesTheFile() throws {
    let folder = try TemporaryFolder()
    let url = folder["graph.sqlite"]
    let generator = try GraphGenerator(schema: try Fixture.schema("kinship"), seed: Seed(3))
    let made = try generator.write(to: url)
    let (memory, file) = (try generator.generate(), try KnowledgeGraph.open(url))
    #expect(file.answers == memory.answers)
    #expect(file.falsehoods == memory.falsehoods && !file.falsehoods.isEmpty)
    #expect(file.predicates == memory.predicates)
    #expect(file.contentHash == memory.contentHash && file.contentHash == made.contentHash)
    #expect(made.profile.training.duplicate > 0)
    #expect(made.profile.training.stale == file.falsehoods.count { $0.noise == .stale })
  }
}
