import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
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
    // The facts that pull are of other subjects, and the nearest one says what the answer says.
    #expect(borrowed.pulls.count == 3 && borrowed.pulls[0].object == "city1")
    #expect(borrowed.pulls.allSatisfy { $0.subject != "first4 last0" && abs($0.cosine) <= 1 })
    #expect(borrowed.pulls.map(\.cosine) == borrowed.pulls.map(\.cosine).sorted(by: >))
    #expect(borrowed.searchedCount == 19)
    #expect(explanation.detectorScores.isEmpty)
  }

  /// Whatever a detector said of stored answers to the question is shown, and nothing else.
  @Test func storedScoresAreShown() throws {
    let trained = try TrainedRun(TestGraph.people(20), epochs: 1)
    _ = try trained.run.evaluate(
      options(sampled: [0]), graph: trained.graph, work: Work(shouldStop: { false }))
    let path = trained.folder.appendingPathComponent(RunDatabase.fileName).path
    let (subject, predicate, text, isWrong) = try DatabaseQueue(path: path).write { database in
      try database.execute(
        sql: """
          INSERT INTO answer_score
          SELECT evaluation_id, hex(zeroblob(32)), 'length', query_id, temperature, sample, place,
            query_id + place
          FROM answer, (SELECT 0 AS place UNION SELECT 1) WHERE query_id IN (3, 4)
          """)
      let row = try Row.fetchOne(
        database,
        sql: """
          SELECT q.subject, q.predicate, a.text, a.verdict NOT IN ('correct', 'correct_held_out')
          FROM answer a JOIN query q ON q.id = a.query_id WHERE q.id = 4
          """)
      let found = try #require(row)
      return (found[0] as String, found[1] as String, found[2] as String, found[3] as Bool)
    }
    let scores = try Explainer(trained.run, graph: trained.graph).explain(
      subject: subject, predicate: predicate
    ).detectorScores
    #expect(scores.count == 1)
    let score = try #require(scores.first)
    #expect(score.detector == "length" && score.task == "stored answer")
    #expect(score.answer == text && score.isHallucination == isWrong)
    #expect(score.answerCount == 2 && score.meanScore == 4.5)
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
