import Compute
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing

struct ExactRateTests {
  private func prompt(_ fixture: Fixture, _ query: Query) throws -> [Int32] {
    try TripleText(graph: fixture.graph, tokenizer: fixture.tokenizer)
      .prompt(subject: query.subject, predicate: query.predicate)
  }

  /// The exact rate against the sum over every possible text of up to three tokens.
  @Test(arguments: [1.0, 0.5, 2.0])
  func equalsBruteForce(temperature: Double) throws {
    let fixture = try Fixture(TestGraph.tiny)
    let graph = fixture.graph
    let outcomes = try fixture.evaluator(options(exact: [temperature])).outcomes(of: 0..<4)
    #expect(outcomes.count == 4)
    var spread: Set<Int> = []
    for outcome in outcomes {
      let query = graph.queries[outcome.query]
      let all = try BruteForce(
        fixture.model, prompt: prompt(fixture, query), length: 3, temperature: temperature)
      func probability(_ verdicts: [Verdict]) -> Double {
        all.probability(of: verdicts, query, graph, fixture.tokenizer)
      }
      let exact = outcome.exact[0]
      #expect(abs(exact.correct - probability([.correct])) < 1e-6)
      #expect(abs(exact.correctHeldOut - probability([.correctHeldOut])) < 1e-6)
      let wrong = probability(Verdict.allCases.filter(\.isHallucination))
      #expect(abs(exact.hallucination - wrong) < 1e-6)
      // The texts up to the length and those that reach it are everything there is.
      #expect(abs(all.texts.reduce(0) { $0 + $1.probability } - 1) < 1e-9)
      spread.insert(Int(exact.hallucination * 100))
    }
    #expect(spread.count > 1, "the queries must not all be alike for this to say anything")
  }

  /// A query of every visibility: what is held out counts as an answer, and apart.
  @Test func heldOutAnswersCountApart() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let outcomes = try fixture.evaluator(options()).outcomes(of: 0..<4)
    let visibilities = outcomes.map { fixture.graph.queries[$0.query].visibility }
    #expect(visibilities == [.fvs, .pvs, .fvs, .ivs])
    let exact = outcomes.map { $0.exact[0] }
    #expect(exact[0].correct > 0 && exact[0].correctHeldOut == 0)
    #expect(exact[1].correct > 0 && exact[1].correctHeldOut > 0)
    #expect(exact[3].correct == 0 && exact[3].correctHeldOut > 0)
  }

  /// Two answers of one name are one text, whose probability counts once, as visible.
  @Test func sharedNamesCountOnce() throws {
    let fixture = try Fixture(
      TestGraph.make([
        SmallGraph.Row("ann", "likes", "mercury", "planet", visible: false),
        SmallGraph.Row("ann", "likes", "mercury", "metal"),
        SmallGraph.Row("bob", "likes", "gold", "metal"),
      ]))
    let query = fixture.graph.queries[0]
    let exact = try fixture.evaluator(options()).outcomes(of: 0..<1)[0].exact[0]
    let all = try BruteForce(
      fixture.model, prompt: prompt(fixture, query), length: 1, temperature: 1)
    let expected = all.probability(of: [.correct], query, fixture.graph, fixture.tokenizer)
    #expect(abs(exact.correct - expected) < 1e-6)
    #expect(exact.correctHeldOut == 0)
  }

  /// Two subjects of one name are one question, to which the answers of both are right.
  @Test func subjectsOfOneNameShareTheirAnswers() throws {
    let graph = KnowledgeGraph(
      entityTypes: ["person", "city"].map { EntityType(name: $0) },
      entities: [("ann", 0), ("ann", 0), ("bob", 0), ("rome", 1), ("oslo", 1), ("bern", 1)].map {
        Entity(name: $0.0, type: $0.1)
      },
      predicates: [Predicate(name: "in", subjectType: 0, objectType: 1)],
      queries: (0..<3).map {
        Query(
          subject: $0, predicate: 0, visibility: .fvs, answers: Int($0)..<Int($0) + 1,
          rank: Double($0) / 3)
      },
      answers: (3..<6).map { Answer(object: $0, isVisible: true, bits: 1) },
      contentHash: "namesakes")
    let fixture = try Fixture(graph)
    let summary = try fixture.summary(options(sampled: [1], samples: 200, seed: 2))
    let outcomes = try fixture.evaluator(options()).outcomes(of: 0..<3)
    #expect(abs(outcomes[0].exact[0].correct - outcomes[1].exact[0].correct) < 1e-6)
    let all = try BruteForce(
      fixture.model, prompt: prompt(fixture, graph.queries[0]), length: 1, temperature: 1)
    let expected = all.texts.filter { text in
      let name = fixture.tokenizer.decode(text.tokens)
      return text.end == SpecialToken.end.rawValue && (name == "rome" || name == "oslo")
    }.reduce(0) { $0 + $1.probability }
    #expect(abs(outcomes[0].exact[0].correct - expected) < 1e-6)
    let exact = try #require(summary.rate(.exact, temperature: 1, .fvs))
    let sampled = try #require(summary.rate(.sampled, temperature: 1, .fvs))
    #expect(abs(exact.rate - sampled.rate) < 4 * (0.25 / 600).squareRoot())
    #expect(summary.coverage.allSatisfy { $0.recall <= 1 })
  }

  @Test func modelsThatAreNotNumbersAreRefused() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let count = fixture.model.layout.count
    fixture.model.parameters.copyIn([Float](repeating: .nan, count: count))
    let evaluator = try fixture.evaluator(options())
    expectFailure("NaN") { try evaluator.outcomes(of: 0..<4) }
  }

  /// Several temperatures in one pass equal each on its own.
  @Test func temperaturesAreIndependent() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let both = try fixture.evaluator(options(exact: [1, 0.3])).outcomes(of: 0..<4)
    let one = try fixture.evaluator(options(exact: [0.3])).outcomes(of: 0..<4)
    #expect(both.map { $0.exact[1] } == one.map { $0.exact[0] })
    #expect(both.map { $0.exact[0] } != one.map { $0.exact[0] })
  }

  @Test(arguments: [0.0, -1, .nan, .infinity])
  func impossibleTemperaturesAreRefused(temperature: Double) throws {
    #expect(throws: LabError.self) { try options(exact: [temperature]).validate() }
  }
}
