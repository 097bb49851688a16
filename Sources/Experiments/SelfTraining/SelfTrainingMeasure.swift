import Analysis
import Corpus
package import Evaluation
import Foundation
package import LabCore
package import Report
package import Training

/// What a model that learned from answers gained over the first model it was made of: `kglab
/// self-train`, `self_training` in a study.
///
/// It is held against that model as it is, and as it is at the temperature at which its answers are
/// as spread as the later one's: what that explains is sharpening alone.
package struct SelfTrainingMeasure: ListedMeasure, StoredMeasure {
  package static let name = "self-train"
  package static let key = "self_training"
  package static let version = 1
  package static let tables = [ResultTable.selfTraining]

  /// What decides the numbers beside the runs.
  package struct Settings: StudySettings {
    /// Answers drawn of each query and temperature for entropy, distinct answers and divergence.
    package var samples = 4
    /// Decides the draws, and the resamples behind intervals.
    package var seed: UInt64 = 0
    package var resampleCount = 1_000

    package init() {}

    package static let all: [StudySetting<Settings>] = [
      StudySetting("samples", \.samples, in: 1...EvaluationOptions.maximumSamples),
      .seed(\.seed), .resamples(\.resampleCount),
    ]

    enum CodingKeys: String, SnakeCaseKey { case samples, seed, resampleCount }
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package var siblings: [String] { [ModelSelection.origin] }

  /// Temperatures at which the first model's answers are drawn to find that of equal entropy,
  /// rising.
  static let temperatures = [0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5]

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let queries = run.configuration.corpus.fraction * Double(graph.queryCount)
    let drawn = Double((Self.temperatures.count + 1) * settings.samples)
    let exact = run.configuration.corpus.fraction * Double(graph.tripleCount) * 5
    var cost = TaskCost.inference(
      run, sequences: queries * drawn * 2 + exact, rowsOnDisk: 0)
    cost.seconds += queries * Double(settings.resampleCount) * 1e-6
    cost.memoryMiB += queries * drawn * 0.0005
    cost.diskBytes = 50_000
    return cost
  }

  package func identity(of subject: MeasuredRun) -> SelfTrainingIdentity {
    SelfTrainingIdentity(
      weightsHash: subject.record.weightsHash ?? "",
      origin: subject.siblings[0].record.weightsHash ?? "",
      graphHash: subject.record.configuration.graphHash, settings: settings)
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    let row = summary.rows.first {
      $0.model == .run && $0.queries == .asked && $0.visibility == nil && $0.difficulty == nil
    }
    guard let row, let gain = row.gain else { return "" }
    return String(
      format: "asked %.1f %%, %.1f points below the first model sharpened", row.rate * 100,
      gain * 100)
  }

  /// Measures a run against its sibling, the first model; throws `LabError` where they are of
  /// different graphs.
  package func measured(
    _ subject: MeasuredRun, _ identity: SelfTrainingIdentity, key: String, _ work: Work
  ) throws -> SelfTrainingSummary {
    let origin = subject.siblings[0]
    guard origin.record.configuration.graphHash == identity.graphHash else {
      throw LabError(
        "\(subject.folder.relativePath) and \(origin.folder.relativePath), of which it was made, were trained on different "
          + "graphs, so that they cannot be compared")
    }
    let comparison = try SharpeningComparison(
      run: subject.open(), origin: origin.open(), graph: subject.graph(), settings, work)
    return SelfTrainingSummary(key: key, identity: identity, rows: comparison.rows())
  }

  package static func rows(of summary: SelfTrainingSummary) -> [ResultRows] {
    [ResultRows(.selfTraining, summary.rows)]
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try SelfTrainingFigures(results: results, command: command).sections()
  }
}
