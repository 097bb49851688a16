import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct InquirerTests {
  private func inquirer(_ fixture: Fixture) throws -> Inquirer {
    try Inquirer(model: fixture.model, tokenizer: fixture.tokenizer, graph: fixture.graph)
  }

  /// The likeliest answers in order, against every text of up to four tokens.
  @Test(arguments: [("ann", "near", 1.0), ("bob", "in", 1.0), ("bob", "near", 0.4)])
  func likeliestEqualBruteForce(subject: String, predicate: String, temperature: Double) throws {
    let fixture = try Fixture(TestGraph.tiny)
    let inquiry = try inquirer(fixture).ask(
      subject: subject, predicate: predicate, top: 12, temperature: temperature)
    #expect(inquiry.isCertain)
    let text = try TripleText(graph: fixture.graph, tokenizer: fixture.tokenizer)
    let id = try #require(fixture.graph.entities(named: subject).first)
    let relation = try #require(fixture.graph.predicate(named: predicate))
    // The longest object has two tokens, so that a text of four without end is given up.
    let all = try BruteForce(
      fixture.model, prompt: text.prompt(subject: id, predicate: relation), length: 3,
      temperature: temperature)
    let expected = all.texts.sorted { $0.probability > $1.probability }.prefix(12)
    #expect(inquiry.answers.count == 12)
    for (answer, text) in zip(inquiry.answers, expected) {
      #expect(abs(answer.probability - text.probability) < 1e-6)
      let name = fixture.tokenizer.decode(text.tokens) ?? "?"
      #expect(answer.text.hasPrefix(name))
      #expect((answer.verdict == .malformed) == (text.end != 5 || name.isEmpty))
    }
  }

  @Test func truthHasProbabilitiesAndVisibility() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let inquiry = try inquirer(fixture).ask(subject: "ann", predicate: "near")
    let exact = try fixture.evaluator(options()).outcomes(of: 1..<2)[0].exact[0]
    #expect(inquiry.visibilities == [.pvs])
    #expect(Set(inquiry.truth.map(\.text)) == ["rome", "new rome"])
    for answer in inquiry.truth {
      #expect(answer.isVisible == (answer.text == "rome"))
      #expect(
        abs(answer.probability - (answer.isVisible ? exact.correct : exact.correctHeldOut)) < 1e-6)
    }
    let rate = try #require(inquiry.hallucinationProbability)
    #expect(abs(rate - exact.hallucination) < 1e-6)
    let probabilities = inquiry.truth.map(\.probability)
    #expect(probabilities == probabilities.sorted(by: >))
  }

  /// Two entities called mercury: the answers of both are true, each with its subject's type.
  @Test func sharedSubjectNamesAreAskedTogether() throws {
    let planet = Entity(name: "mercury", type: 0)
    let metal = Entity(name: "mercury", type: 1)
    let graph = KnowledgeGraph(
      entityTypes: [EntityType(name: "planet"), EntityType(name: "metal")],
      entities: [planet, metal, Entity(name: "hot", type: 0), Entity(name: "wet", type: 1)],
      predicates: [Predicate(name: "is", subjectType: nil, objectType: nil)],
      queries: [
        Query(subject: 0, predicate: 0, visibility: .fvs, answers: 0..<1, rank: 0),
        Query(subject: 1, predicate: 0, visibility: .ivs, answers: 1..<2, rank: 0.5),
      ],
      answers: [
        Answer(object: 2, isVisible: true, bits: 1), Answer(object: 3, isVisible: false, bits: 1),
      ], contentHash: "mercury")
    let inquiry = try inquirer(Fixture(graph)).ask(subject: "mercury", predicate: "is", top: 1_000)
    #expect(inquiry.visibilities == [.fvs, .ivs])
    let truth = Dictionary(uniqueKeysWithValues: inquiry.truth.map { ($0.text, $0.subjectType) })
    #expect(truth == ["hot": "planet", "wet": "metal"])
    let verdicts = Dictionary(
      inquiry.answers.map { ($0.text, $0.verdict) }, uniquingKeysWith: { first, _ in first })
    #expect(verdicts["hot"] == .correct)
    #expect(verdicts["wet"] == .correctHeldOut)
  }

  @Test func questionsWithoutAnswersAreAskedAllTheSame() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let inquiry = try inquirer(fixture).ask(subject: "rome", predicate: "in", top: 3)
    #expect(inquiry.truth.isEmpty && inquiry.visibilities.isEmpty)
    #expect(inquiry.hallucinationProbability == nil)
    #expect(inquiry.answers.allSatisfy { $0.verdict.isHallucination })
  }

  @Test func unknownNamesGetTheNearest() throws {
    let inquirer = try inquirer(Fixture(TestGraph.people(40)))
    expectFailure("did you mean 'first3 last0'") {
      try inquirer.ask(subject: "first3 lst0", predicate: "in")
    }
    expectFailure("did you mean 'likes'?") {
      try inquirer.ask(subject: "first3 last0", predicate: "lkes")
    }
    expectFailure(status: .badInput) {
      try inquirer.ask(subject: "nothing like this at all", predicate: "in")
    }
    expectFailure(status: .usage) {
      try inquirer.ask(subject: "first3 last0", predicate: "in", temperature: 0)
    }
  }
}
