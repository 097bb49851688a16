import Analysis
package import Corpus
import Detection
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// What becomes of right answers where a model is optimised against detectors in place of the
/// graph: `rewards` in a study (arXiv 2406.01013, 2310.02743).
///
/// The first model is optimised by taking the best of n answers; a model that learned from answers
/// is one point.
package struct RewardsMeasure: ListedMeasure, StoredMeasure {
  package static let name = "rewards"
  package static let key = "rewards"
  package static let version = 1
  package static let tables = [ResultTable.rewards]

  /// What decides the numbers beside the runs.
  package struct Settings: StudySettings {
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

    package static let all: [StudySetting<Settings>] = [
      StudySetting("samples", \.samples, in: 1...EvaluationOptions.maximumSamples),
      StudySetting("queries", \.queryCount, in: 1...1_000_000),
      .resamples(\.resampleCount), .seed(\.seed),
      StudySetting("detector_samples", \.reward.samples, in: 1...256),
      StudySetting("hidden", \.reward.hidden, in: 1...4_096),
      StudySetting("flips", \.reward.flips) { try $0.number("a number") { $0.isFinite } },
      StudySetting("penalty", \.reward.penalty) { try $0.number("a number") { $0.isFinite } },
    ]

    package mutating func finish(_ node: SchemaNode) throws {
      reward.seed = seed
      do {
        try reward.validate()
      } catch let failure as LabError {
        throw node.failure("cannot be: \(failure)")
      }
    }

    enum CodingKeys: String, SnakeCaseKey {
      case samples, queryCount, reward, seed, resampleCount
    }
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

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

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    let last = summary.points.last { $0.reward == RewardChoice.Ensemble.one.rawValue }
    guard let last else { return "" }
    let of = last.n > 0 ? ", best of \(last.n)" : ""
    return "one detector\(of): \(Readable.percent(last.rate)) wrong"
  }

  package func identity(of subject: MeasuredRun) -> RewardsIdentity {
    RewardsIdentity(subject, settings)
  }

  /// Measures a run with detectors of its sibling's answers, which is the run itself or the first
  /// model that it was made of.
  ///
  /// Throws `LabError` and `DetectionError` where no detector can be trained.
  package func measured(
    _ subject: MeasuredRun, _ identity: RewardsIdentity, key: String, _ work: Work
  ) throws -> RewardsSummary {
    RewardsSummary(
      key: key, identity: identity,
      points: try OptimisedAnswers(subject, settings, work).points())
  }

  package static func rows(of summary: RewardsSummary) -> [ResultRows] {
    [ResultRows(.rewards, summary.points)]
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try RewardFigures(results: results, command: command).sections()
  }
}
