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

struct CascadeMeasureTests {
  private let graph = SmallGraph.people(30)
  private let quiet = Work(shouldStop: { false })

  private func run(epochs: Int, temperatures: [Double] = [0, 1]) throws -> TrainedRun {
    let trained = try TrainedRun(graph, epochs: epochs) { request, _ in
      request.learningRate = 0.02
      request.training.tokensPerStep = 64
    }
    var options = EvaluationOptions()
    options.sampleTemperatures = temperatures
    options.samples = 4
    options.resampleCount = 0
    _ = try trained.run.evaluate(options, graph: graph, work: quiet)
    return trained
  }

  private func subject(_ small: TrainedRun, _ large: TrainedRun) -> MeasuredRun {
    func measured(_ run: TrainedRun, _ siblings: [MeasuredRun] = []) -> MeasuredRun {
      MeasuredRun(folder: run.folder, record: run.run.record, siblings: siblings) { run.graph }
    }
    return measured(small, [measured(large)])
  }

  private func measure(resamples: Int = 20) -> CascadeMeasure {
    var settings = CascadeMeasure.Settings()
    settings.resampleCount = resamples
    return CascadeMeasure(settings)
  }

  /// The ends of every curve are the greedy rates that the evaluations store.
  @Test func endsAreTheStoredRates() throws {
    let (small, large) = (try run(epochs: 2), try run(epochs: 12))
    let subject = subject(small, large)
    #expect(try measure().storedKey(of: subject) == nil)
    let summary = try measure().summary(of: subject, quiet)
    #expect(try measure().storedKey(of: subject) == summary.key)
    #expect(
      Set(summary.areas.map(\.switch)) == [
        "random", "oracle", "sequence-log-probability", "perplexity", "semantic-entropy",
        "cluster-entropy", "monte-carlo-entropy", "disagreement", "contradiction",
      ])
    for (share, run) in [(0.0, small), (1, large)] {
      let stored = try #require(try RunDatabase.read(in: run.folder)?.summaries().first)
      for point in summary.points where point.share == share {
        let rate = try #require(stored.rate(.greedy, temperature: 0, point.visibility))
        #expect(abs(point.rate - rate.rate) < 1e-12 && point.queryCount == rate.queryCount)
      }
    }
    #expect(summary.points.allSatisfy { $0.meanFLOPs > 0 })

    // Read back; other settings stand beside it.
    #expect(try measure().summary(of: subject, quiet) == summary)
    let other = try measure(resamples: 0).summary(of: subject, quiet)
    #expect(other.key != summary.key && other.points.map(\.rate) == summary.points.map(\.rate))
    let database = try #require(try RunDatabase.read(in: small.folder))
    var studied = subject
    studied.inputs = [EvaluationMeasure()]
    #expect(try measure().storedKey(of: studied) == nil, "a study reads evaluations of its options")
    #expect(
      try database.summary(CascadeMeasure.self, of: summary.identity, as: CascadeSummary.self)
        == summary)
  }

  /// A committee says how likely all its members find an answer, and heads judge every answer
  /// without having seen its subject.
  @Test func committeesAndHeadsSwitch() throws {
    let (small, large, member) = (try run(epochs: 4), try run(epochs: 12), try run(epochs: 6))
    var subject = subject(small, large)
    subject = MeasuredRun(
      folder: subject.folder, record: subject.record,
      siblings: subject.siblings + [self.subject(member, large), self.subject(small, large)]
    ) { graph }
    var settings = CascadeMeasure.Settings()
    (settings.resampleCount, settings.committee, settings.heads) = (0, [1, 0], [.linear])
    let measure = CascadeMeasure(settings)
    let summary = try measure.summary(of: subject, quiet)
    #expect(try measure.storedKey(of: subject) == summary.key)
    #expect(try measure.summary(of: subject, quiet) == summary)
    #expect(Set(summary.points.map(\.large)) == ["3k"], "members are deferred nothing")
    let kinds = Dictionary(
      summary.areas.map { ($0.switch, $0.kind) }, uniquingKeysWith: { first, _ in first })
    #expect(kinds["committee"] == .score && kinds["linear"] == .detector)
    // The other member reads each answer once, as much as writing it takes.
    func start(_ name: String) throws -> Double {
      try #require(
        summary.points.first { $0.switch == name && $0.share == 0 && $0.visibility == .fvs }
      ).meanFLOPs
    }
    let starts = try ["random", "committee", "linear"].map(start)
    #expect(abs(starts[1] - 2 * starts[0]) < 1e-6 * starts[0] && starts[2] == starts[0])
    let tenths = summary.deciles.filter { $0.switch == "committee" && $0.visibility == .fvs }
    #expect(tenths.count == 10)
    var other = settings
    other.committee = []
    expectFailure("different graphs") {
      let stranger = try TrainedRun(SmallGraph.people(20), epochs: 1) { _, _ in }
      _ = try CascadeMeasure(other).summary(of: self.subject(small, stranger), quiet)
    }
  }

  /// Detectors that scored every greedy answer switch too; the same command then measures again.
  @Test func storedDetectorScoresSwitch() throws {
    let (small, large) = (try run(epochs: 2), try run(epochs: 12))
    let subject = subject(small, large)
    let before = try measure().summary(of: subject, quiet)
    try RunDatabase.open(in: small.folder, graphHash: graph.contentHash).write { database in
      try database.execute(
        sql: """
          INSERT INTO answer_score
          SELECT evaluation_id, ?, 'mlp-4', query_id, temperature, sample, 0, -log_probability
          FROM answer WHERE temperature = 0
          """, arguments: [String(repeating: "a", count: 64)])
    }
    let after = try measure().summary(of: subject, quiet)
    #expect(before.detectors == [] && after.detectors == ["mlp-4 aaaaaaaa"])
    func rates(_ name: String) -> [Double] {
      after.points.filter { $0.switch == name }.map(\.rate)
    }
    #expect(rates("mlp-4 aaaaaaaa") == rates("sequence-log-probability"))
    #expect(after.key == before.key)
  }

  @Test func aRunWithoutGreedyAnswersIsRefused() throws {
    let (small, large) = (try run(epochs: 1), try run(epochs: 1, temperatures: [1]))
    let subject = subject(small, large)
    expectFailure("has no greedy answers") { try measure().summary(of: subject, quiet) }
    #expect(try measure().storedKey(of: subject) == nil)
    expectFailure("different graphs") {
      let other = try TrainedRun(SmallGraph.people(20), epochs: 1) { _, _ in }
      _ = try measure().summary(of: self.subject(small, other), quiet)
    }
  }
}
