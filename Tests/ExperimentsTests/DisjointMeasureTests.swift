import Analysis
import Corpus
import Detection
import Evaluation
import Experiments
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

struct DisjointMeasureTests {
  private func row(
    _ group: DisjointGroup, _ attacked: Int, _ tested: Int, _ query: Int, right: (Bool, Bool),
    turned: Bool
  ) -> DisjointAnswerRow {
    DisjointAnswerRow(
      detectors: group, attacked: attacked, tested: tested, queryID: query, subject: Int32(query),
      text: right.0 ? "a" : nil, attackedIsRight: right.0, testedIsRight: right.1,
      isTurned: right.0 ? turned : !right.1)
  }

  /// Copies of one detector share every attack; detectors of which no text turns two share none.
  @Test func transferOfCopiesIsOne() throws {
    var rows: [DisjointAnswerRow] = []
    for attacked in 1...2 {
      for tested in 1...2 {
        for query in 0..<8 {
          let isRight = query != 7
          rows.append(
            row(
              .independent, attacked, tested, query, right: (isRight, isRight), turned: query < 4))
          rows.append(
            row(
              .joint, attacked, tested, query, right: (isRight, isRight),
              turned: attacked == tested && query < 4))
        }
      }
    }
    let matrix = DisjointTransfer.all(of: rows)
    #expect(
      matrix.map(\.detectors.rawValue) == ["joint", "joint", "joint", "joint"]
        + ["independent", "independent", "independent", "independent"])
    #expect(matrix.map(\.rate) == [1, 0, 0, 1, 1, 1, 1, 1])
    #expect(matrix.allSatisfy { $0.rightCount == 7 && $0.turnedCount == 4 })
    let rates = DisjointRate.all(of: rows, Bootstrap(seed: Seed(0), replicates: 200))
    func rate(_ name: String, _ quantity: DisjointQuantity) throws -> DisjointRate {
      try #require(rates.first { $0.detectors == name && $0.quantity == quantity })
    }
    #expect(try rate("joint", .clean).value == 7.0 / 8)
    #expect(try rate("joint", .own).value == 3.0 / 8)
    #expect(try rate("joint", .other).value == 7.0 / 8)
    #expect(try rate("joint", .deployed).value == 5.0 / 8)
    #expect(try rate("independent", .deployed).value == 3.0 / 8)
    let gain = try rate("joint - independent", .deployed)
    #expect(gain.value == 2.0 / 8 && gain.exampleCount == 8)
    let (low, high) = (try #require(gain.lower), try #require(gain.upper))
    #expect(low < gain.value && gain.value < high)
    #expect(try rate("joint - independent", .clean).lower == 0)
  }

  /// Trained on a run's answers: rates are those of the rows; the same by any number of workers.
  ///
  /// Without penalties both groups are one.
  @Test func detectorsOfARun() throws {
    let graph = SmallGraph.people(40)
    let trained = try TrainedRun(graph, epochs: 25) { request, _ in
      request.size = "3k"
      request.loss = .object
      request.training.tokensPerStep = 128
      request.learningRate = 0.01
      request.slotShare = 0.5
      request.slotLength = 2
    }
    let subject = MeasuredRun(folder: trained.folder, record: trained.run.record) { trained.graph }
    func measure(_ weight: Double) -> DisjointMeasure {
      var settings = DisjointSettings()
      settings.penalties.weight = weight
      (settings.memberCount, settings.epochCount, settings.sampleCount) = (2, 2, 2)
      (settings.exampleCount, settings.iterations, settings.candidateCount) = (12, 2, 6)
      settings.resampleCount = 20
      return DisjointMeasure(settings)
    }
    expectFailure("stopped") {
      _ = try measure(1).summary(of: subject, Work(workers: 1, shouldStop: { true }))
    }
    let summary = try measure(1).summary(of: subject, Work(workers: 2, shouldStop: { false }))
    #expect(try measure(1).storedKey(of: subject) == summary.key)
    #expect(try measure(0).storedKey(of: subject) == nil)
    #expect(summary.transfers.count == 4 + 4 + 1)
    let database = try #require(try RunDatabase.read(in: trained.folder))
    let other = try #require(
      summary.rates.first { $0.detectors == "independent" && $0.quantity == .other })
    try database.read {
      let value = try Double.fetchOne(
        $0,
        sql: """
          SELECT avg(tested_is_right AND (text IS NULL OR NOT is_turned)) FROM disjoint_answer
          WHERE detectors = 'independent' AND attacked <> tested
          """)
      #expect(abs(try #require(value) - other.value) < 1e-12)
    }
    let none = try measure(0).summary(of: subject, Work(workers: 1, shouldStop: { false }))
    func values(_ name: String) -> [Double] {
      none.rates.filter { $0.detectors == name }.map(\.value)
    }
    #expect(values("joint") == values("independent"))
    try FileManager.default.removeItem(at: trained.folder.appendingPathComponent("run.sqlite"))
    #expect(
      try measure(1).summary(of: subject, Work(workers: 1, shouldStop: { false })) == summary)
  }
}
