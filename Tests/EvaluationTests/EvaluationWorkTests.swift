import Evaluation
import Foundation
import KnowledgeGraph
import LanguageModel
import TestSupport
import Testing
import Training

/// What benchmarks take from a run.
struct EvaluationWorkTests {
  /// Blocks of 32 neighbours from the first place to the last, none twice.
  @Test(arguments: [(64, 200), (33, 34), (32, 200), (5, 5), (200, 200), (1, 9)])
  func placesAreNeighbours(count: Int, all: Int) {
    let places = EvaluationWork.places(count, of: all)
    #expect(places.count == count && Set(places).count == count)
    #expect(places.allSatisfy { (0..<all).contains($0) } && places == places.sorted())
    #expect(places[0] == 0 && (count <= 32 || places[count - 1] == all - 1))
    for (index, pair) in zip(places, places.dropFirst()).enumerated() where index % 32 < 31 {
      #expect(pair.1 == pair.0 + 1)
    }
  }

  @Test func asksWhatTheRunIsAsked() throws {
    let trained = try TrainedRun(TestGraph.families(30))
    let graph = trained.graph
    let work = try EvaluationWork(trained.run, graph: graph, count: 1_000)
    #expect(work.queries.count == graph.queries.count)
    #expect(Set(work.queries.map(\.prompt)).count == graph.queries.count)
    let answers = graph.queries.reduce(0) { $0 + graph.truth(of: $1).count }
    #expect(work.queries.reduce(0) { $0 + $1.completions.count } == answers)
    #expect(try EvaluationWork(trained.run, graph: graph, count: 40).queries.count == 40)
    // The exact rate of an evaluation, from the same work.
    let session = try InferenceSession(trained.run.loadModel())
    let scores = try session.completionLogProbabilities(work.queries)
    let evaluator = try Evaluator(
      model: trained.run.loadModel(), tokenizer: trained.run.tokenizer, graph: graph)
    let outcomes = try evaluator.outcomes(of: 0..<graph.queries.count)
    for (own, outcome) in zip(scores, outcomes) {
      let probability = own.reduce(0) { $0 + exp($1[0]) }
      let exact = try #require(outcome.exact.first { $0.temperature == 1 })
      #expect(abs(probability - exact.correct - exact.correctHeldOut) < 1e-5)
    }
  }
}
