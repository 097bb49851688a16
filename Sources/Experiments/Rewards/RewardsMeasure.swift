import Analysis
package import Corpus
import Detection
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// What becomes of right answers where a model is optimised against detectors in place of the graph: `rewards` in a study
/// (arXiv 2406.01013, 2310.02743).
///
/// The first model is optimised by taking the best of n answers; a model that learned from answers is one point.
package struct RewardsMeasure: Measure {
  package static let name = "rewards"
  package static let key = "rewards"
  package static let version = 1
  package static let tables = [ResultTable.rewards]
  package static let settingNames =
    ModelSelection.settingNames + [
      "samples", "queries", "detector_samples", "hidden", "flips", "penalty", "seed", "resamples",
    ]

  /// What decides the numbers beside the runs.
  package struct Settings: Codable, Hashable, Sendable {
    /// Answers drawn of each query, the most that the best is taken of.
    package var samples = 256
    /// Queries asked at most, of subjects that the detectors did not learn from.
    package var queryCount = 500
    /// The detectors, but for ensemble and combination, of which all are measured.
    package var reward = RewardChoice()
    /// Decides draws and resamples.
    package var seed: UInt64 = 0
    package var resampleCount = 1_000

    package init() {}

    enum CodingKeys: String, SnakeCaseKey {
      case samples, queryCount, reward, seed, resampleCount
    }
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    settings = Settings()
    selection = try ModelSelection(study: node)
    func count(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
      try node.optional(key)?.integer(in: range)
    }
    func number(_ key: String) throws -> Double? {
      try node.optional(key)?.number("a number") { $0.isFinite }
    }
    let most = EvaluationOptions.maximumSamples
    settings.samples = try count("samples", in: 1...most) ?? settings.samples
    settings.queryCount = try count("queries", in: 1...1_000_000) ?? settings.queryCount
    settings.resampleCount = try count("resamples", in: 0...1_000_000) ?? settings.resampleCount
    settings.seed = UInt64(try count("seed", in: 0...Int.max) ?? 0)
    settings.reward.seed = settings.seed
    settings.reward.samples =
      try count("detector_samples", in: 1...256) ?? settings.reward.samples
    settings.reward.hidden = try count("hidden", in: 1...4_096) ?? settings.reward.hidden
    settings.reward.flips = try number("flips") ?? settings.reward.flips
    settings.reward.penalty = try number("penalty") ?? settings.reward.penalty
    do {
      try settings.reward.validate()
    } catch let failure as LabError {
      throw node.failure("cannot be: \(failure)")
    }
  }

  package var siblings: [String] { [ModelSelection.head] }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let all = run.configuration.corpus.fraction * Double(graph.queryCount)
    let asked = min(Double(settings.queryCount), 0.2 * all)
    let learned = all * Double(settings.reward.samples)
    var cost = TaskCost.inference(
      run, sequences: asked * Double(settings.samples) * 1.5 + learned * 3, rowsOnDisk: 0)
    // Seven detectors of some passes over the answers, and weights of as many rewards.
    cost.seconds += 5 + learned * 5e-4 + asked * Double(settings.samples) * 1e-4
    cost.memoryMiB += learned * 0.002 + asked * Double(settings.samples) * 0.0005
    cost.diskBytes = 50_000
    return cost
  }

  private func identity(_ subject: MeasuredRun) -> RewardsIdentity {
    RewardsIdentity(
      weightsHash: subject.record.weightsHash ?? "",
      head: subject.siblings[0].record.weightsHash ?? "",
      graphHash: subject.record.configuration.graphHash, settings: settings)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(Self.self, of: identity(subject), as: RewardsSummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    let last = summary.points.last { $0.reward == RewardChoice.Ensemble.one.rawValue }
    guard let last else { return "" }
    let of = last.n > 0 ? ", best of \(last.n)" : ""
    return "one detector\(of): \(Readable.percent(last.rate)) wrong"
  }

  /// Measures a run with detectors of its sibling's answers into the run's run.sqlite, or reads the result back.
  ///
  /// The sibling is the run itself, or the first model that it was made of. Throws `LabError` and `DetectionError` where no
  /// detector can be trained, and `LabError.interrupted` when stopped.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> RewardsSummary {
    let identity = identity(subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: RewardsSummary.self)
    {
      return summary
    }
    let summary = RewardsSummary(
      key: try Self.storedKey(of: identity), identity: identity,
      points: try OptimisedAnswers(subject, settings, work).points())
    try RunDatabase.open(in: subject.folder, graphHash: identity.graphHash).store(
      Self.self, identity: identity, summary: summary
    ) { measurement, database in
      try ResultTable.rewards.insert(summary.points, of: measurement, in: database)
    }
    return summary
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try RewardFigures(results: results, command: command).sections()
  }
}
