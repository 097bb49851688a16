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
      detectors: group, weight: group == .joint ? 1 : 0, attacked: attacked, tested: tested,
      queryID: query, subject: Int32(query), isHallucination: query % 2 == 0,
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
    // Wrong about one of the four that are no hallucinations.
    #expect(try rate("joint", .balanced).value == 7.0 / 8)
    #expect(try rate("joint", .constant).value == 0)
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

  /// A detector that says one thing has collapsed: right about one class, whatever the text.
  @Test func detectorsThatSayOneThingAreCounted() throws {
    let rows = (1...2).flatMap { detector in
      (0..<8).map { query in
        let isRight = detector == 1 ? query % 2 == 0 : query != 1
        return row(.joint, detector, detector, query, right: (isRight, isRight), turned: false)
      }
    }
    let rates = DisjointRate.all(of: rows, Bootstrap(seed: Seed(0), replicates: 20))
    func value(_ quantity: DisjointQuantity) -> Double? {
      rates.first { $0.quantity == quantity }?.value
    }
    #expect(value(.constant) == 0.5)
    #expect(value(.clean) == 11.0 / 16)
    #expect(value(.balanced) == 11.0 / 16)
    #expect(rates.first?.words == "joint at 1")
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
    func measure(_ weights: Double...) -> DisjointMeasure {
      var settings = DisjointSettings()
      settings.weights = weights
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
    #expect(summary.transfers.count == 9)
    let database = try #require(try RunDatabase.read(in: trained.folder))
    let other = try #require(
      summary.rates.first { $0.detectors == "independent" && $0.quantity == .other })
    try database.read {
      let value = try Double.fetchOne(
        $0,
        sql: """
          SELECT avg(tested_is_right AND (text IS NULL OR NOT is_turned)) FROM disjoint_example
          WHERE detectors = 'independent' AND attacked <> tested
          """)
      #expect(abs(try #require(value) - other.value) < 1e-12)
    }
    let none = try measure(0).summary(of: subject, Work(workers: 1, shouldStop: { false }))
    func values(_ name: String) -> [Double] {
      none.rates.filter { $0.detectors == name }.map(\.value)
    }
    #expect(values("joint") == values("independent"))
    // At several weights each is what it is alone, and independent detectors are trained once;
    // stopped anywhere the same call goes on to the same numbers, by any number of workers.
    try FileManager.default.removeItem(at: trained.folder.appendingPathComponent("run.sqlite"))
    var stops = 0
    for calls in [2, 3, 4, 6, 8, 10, 12] {
      do {
        _ = try measure(1, 0).summary(
          of: subject, Work(workers: 1, shouldStop: stopping(after: calls)))
      } catch let error as LabError where "\(error)".contains("stopped") { stops += 1 }
    }
    #expect(stops > 2)
    let both = try measure(1, 0).summary(of: subject, Work(workers: 2, shouldStop: { false }))
    func joint(_ summary: DisjointSummary, _ weight: Double) -> [DisjointRate] {
      summary.rates.filter { $0.detectors == "joint" && $0.weight == weight }
    }
    #expect(joint(both, 1) == joint(summary, 1))
    #expect(joint(both, 0) == joint(none, 0))
    let others = [both, summary].map { one in
      one.rates.filter { !$0.detectors.hasPrefix("joint") }
    }
    #expect(others[0] == others[1])
    #expect(both.transfers.count == 13)
    #expect(try measure(1, 0).summary(of: subject, Work(shouldStop: { true })) == both)
    let left = try FileManager.default.contentsOfDirectory(
      atPath: trained.folder.appendingPathComponent("disjoint").path)
    #expect(left.isEmpty)
  }
}
