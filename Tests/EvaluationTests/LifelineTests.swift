import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

struct FactLifelineTests {
  private func fact(_ values: [Double], wrong: [Int: (String, Double)] = [:]) -> FactLifeline {
    FactLifeline(
      subject: "s", predicate: "p", visibility: .fvs,
      points: values.enumerated().map { index, value in
        LifelinePoint(
          step: 1 << index, probability: value, answer: wrong[index]?.0 ?? "right",
          answerProbability: wrong[index]?.1 ?? value,
          verdict: wrong[index] == nil ? .correct : .wrongObject)
      })
  }

  @Test func learnedFacts() {
    let learned = fact([0.1, 0.6, 0.4, 0.7, 0.9])
    #expect(learned.firstKnownStep == 2)
    #expect(learned.learnedStep == 8)
    #expect(learned.forgottenStep == nil)
    #expect(learned.forgettingCount == 1)
    #expect(fact([0.6, 0.8]).learnedStep == 1)
  }

  @Test func forgottenFacts() {
    let forgotten = fact([0.1, 0.6, 0.2, 0.7, 0.5, 0.3])
    #expect(forgotten.firstKnownStep == 2)
    #expect(forgotten.learnedStep == nil)
    #expect(forgotten.forgottenStep == 16)
    #expect(forgotten.forgettingCount == 2)
  }

  @Test func factsNeverKnown() {
    let never = fact([0.1, 0.5, 0.2])
    #expect(never.firstKnownStep == nil && never.learnedStep == nil && never.forgottenStep == nil)
    #expect(never.forgettingCount == 0)
  }

  /// The wrong greedy answer the model was surest of, the first of equals.
  @Test func confusions() {
    let confused = fact(
      [0.1, 0.2, 0.9, 0.1], wrong: [0: ("rome", 0.3), 1: ("oslo", 0.6), 3: ("bern", 0.6)])
    #expect(confused.confusion == Confusion.some("oslo", 0.6, 2))
    #expect(fact([0.9]).confusion == nil)
  }
}

extension Confusion {
  fileprivate static func some(_ answer: String, _ probability: Double, _ step: Int) -> Confusion? {
    let json = "{\"answer\":\"\(answer)\",\"probability\":\(probability),\"step\":\(step)}"
    return try? JSONDecoder().decode(Confusion.self, from: Data(json.utf8))
  }
}

struct LifelineRunTests {
  /// Each kept step equals asking that checkpoint; the tables add up.
  @Test func everyKeptStepIsAsked() throws {
    let trained = try TrainedRun(TestGraph.people(20), epochs: 12, rate: 0.02)
    let request = LifelineRequest(folder: trained.folder)
    let summary = try request.run(on: trained.graph)
    let steps = summary.steps
    #expect(steps.first == 0 && steps.last == trained.run.record.stepCount)
    #expect(Array(steps.dropFirst().prefix(4)) == [1, 2, 4, 8])
    let database = try #require(try RunDatabase.read(in: trained.folder))
    for (step, checkpoint) in [(steps[2], steps[2]), (steps[steps.count - 1], nil)] as [(Int, Int?)]
    {
      let run = try RunFolder.open(trained.folder, checkpoint: checkpoint)
      let exact = try run.evaluate(
        options(), graph: trained.graph, work: Work(shouldStop: { false }))
      for set in QuerySet.allCases {
        let row = try #require(summary.curve.first { $0.step == step && $0.visibility == set })
        let rate = try #require(exact.rate(.exact, temperature: 1, set))
        #expect(abs(1 - row.meanProbability - rate.rate) < 1e-6)
      }
    }
    for row in summary.counts {
      #expect(row.learnedCount + row.forgottenCount + row.neverKnownCount == row.queryCount)
    }
    let fvs = try #require(summary.counts.first { $0.visibility == .fvs })
    #expect(fvs.learnedCount > 0, "twelve epochs teach something")
    let stored = try database.read { database in
      try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM fact_lifeline")
    }
    #expect(stored == 60)
    #expect(summary.facts == nil)
    // The same again is read back; weights asked before are not asked again.
    #expect(try request.run(on: trained.graph) == summary)
  }

  @Test func chosenFactsComeWithTheirPoints() throws {
    let trained = try TrainedRun(TestGraph.people(20), epochs: 4)
    var request = LifelineRequest(folder: trained.folder)
    request.facts = [("first3 last0", "in")]
    let summary = try request.run(on: trained.graph)
    let fact = try #require(summary.facts?.first)
    #expect(summary.facts?.count == 1)
    #expect(fact.points.map(\.step) == summary.steps)
    #expect(fact.subject == "first3 last0" && fact.predicate == "in")
    #expect(fact.points.allSatisfy { $0.probability >= 0 && $0.probability <= 1 })
    request.facts = [("first3 lost0", "in")]
    expectFailure("did you mean 'first3 last0'") { try request.run(on: trained.graph) }
  }

  @Test func interruptedLifelinesContinue() throws {
    let trained = try TrainedRun(TestGraph.people(100), epochs: 1)
    let request = LifelineRequest(folder: trained.folder)
    expectFailure(status: .interrupted) {
      try request.run(on: trained.graph, work: Work(shouldStop: stopping(after: 25)))
    }
    let summary = try request.run(on: trained.graph)
    let other = try TrainedRun(TestGraph.people(100), epochs: 1)
    #expect(try LifelineRequest(folder: other.folder).run(on: other.graph) == summary)
  }
}
