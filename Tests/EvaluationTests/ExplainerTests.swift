import Evaluation
import Foundation
import KnowledgeGraph
import LanguageModel
import Testing
import Training

struct ExplainerTests {
  @Test func answersAreExplained() throws {
    let trained = try TrainedRun(TestGraph.people(20), epochs: 6)
    let graph = trained.graph
    let explainer = try Explainer(trained.run, graph: graph)
    let explanation = try explainer.explain(
      subject: "first4 last0", predicate: "near", top: 10, nearest: 3)
    #expect(explanation.inquiry.answers.count == 10)
    let truth = try #require(explanation.truth.first)
    #expect(truth.text == "city0" && truth.isTrained && truth.exposures == 1)
    #expect(truth.presentations == 6)
    #expect(truth.bits == 1 && truth.derivation == nil)
    let wrong = explanation.inquiry.answers.filter { $0.verdict == .wrongObject }
    #expect(explanation.borrowed.count { $0.verdict == .wrongObject } == wrong.count)
    let borrowed = try #require(explanation.borrowed.first { $0.answer == "city1" })
    // Five people are near city1; of one edit to "first4 last0" are first1, first5 and first9.
    #expect(borrowed.lenderCount == 5)
    #expect(
      borrowed.lenders.map(\.subject) == ["first1 last0", "first5 last0", "first9 last0"])
    #expect(borrowed.lenders.map(\.distance) == [1, 1, 1])
    #expect(explanation.detectorScores.isEmpty)
  }

  /// The last layer of the lens is the model itself.
  @Test func theLastLayerIsTheModel() throws {
    let trained = try TrainedRun(TestGraph.people(20), epochs: 6)
    let explanation = try Explainer(trained.run, graph: trained.graph).explain(
      subject: "first4 last0", predicate: "near", top: 30)
    let layers = trained.run.record.configuration.model.layerCount
    #expect(explanation.lens.map(\.layer) == Array(0...layers))
    #expect(explanation.lensToken == "city0")
    let last = try #require(explanation.lens.last)
    // Answers of one word: the first token's probability is at least the whole answer's.
    let whole = try #require(explanation.truth.first).probability
    let own = try #require(last.trueProbability)
    #expect(own >= whole - 1e-6 && own < 1)
    #expect(explanation.lens.allSatisfy { ($0.trueRank == 1) == ($0.topToken == "city0") })
    #expect(explanation.lens.allSatisfy { $0.topProbability >= ($0.trueProbability ?? 0) - 1e-9 })
  }
}
