import Analysis
import Corpus
package import Evaluation
import Foundation
import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// The loss of lines of known status over a training: `trajectories` in a study that keeps
/// checkpoints (arXiv 2212.09803).
package struct TrajectoriesMeasure: ListedMeasure, StoredMeasure {
  package static let name = "trajectories"
  package static let key = "trajectories"
  package static let version = 1
  package static let readsCheckpoints = true
  package static let tables = [ResultTable.trajectoryPoints, .trajectoryTrends]

  /// What decides the numbers beside the runs.
  package struct Settings: StudySettings {
    /// Lines of each family at most, and as many more for the validation loss.
    package var lineCount = 1_000
    /// Sizes of the small and the large model that lines of the first less the second are decoded
    /// from; empty for none.
    package var contrast: [String] = []
    /// Share of the training after which trends begin.
    package var start = 0.1
    /// Decides the lines, and the resamples behind intervals.
    package var seed: UInt64 = 0
    package var resampleCount = 1_000

    package init() {}

    package static let all: [StudySetting<Settings>] = [
      StudySetting("lines", \.lineCount, in: 1...10_000_000),
      StudySetting("contrast", \.contrast) { node in
        let sizes = try node.distinct { try $0.modelSize() }
        guard sizes.count == 2 else {
          throw node.failure("names two sizes, the small model and the large one")
        }
        return sizes
      },
      StudySetting("from", \.start) { try $0.number("at least 0, below 1") { $0 >= 0 && $0 < 1 } },
      .seed(\.seed), .resamples(\.resampleCount),
    ]

    enum CodingKeys: String, SnakeCaseKey { case lineCount, contrast, start, seed, resampleCount }
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package var siblings: [String] { settings.contrast }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    // How many checkpoints are kept is known once it is trained; about a dozen are by --keep-steps
    // log.
    let queries = min(
      Double(2 * settings.lineCount),
      run.configuration.corpus.fraction * Double(graph.fvsCount + graph.pvsCount))
    var cost = TaskCost.inference(run, sequences: 12 * queries * 6, rowsOnDisk: 0)
    cost.seconds += 2 + Double(settings.lineCount * settings.resampleCount) * 12 * 5 * 1e-8
    cost.diskBytes = 50_000
    return cost
  }

  package func identity(of subject: MeasuredRun) throws -> TrajectoriesIdentity {
    TrajectoriesIdentity(
      steps: RunFolder.checkpointSteps(subject.folder),
      weightsHash: subject.record.weightsHash ?? "",
      contrast: subject.siblings.map { $0.record.weightsHash ?? "" },
      graphHash: subject.record.configuration.graphHash, settings: settings)
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    guard let last = summary.points.last else { return "" }
    return String(
      format: "%d steps, validation loss %.3f at the end", Set(summary.points.map(\.step)).count,
      last.validationLoss)
  }

  /// Scores the lines at every kept checkpoint; throws `LabError` where the run keeps none or the
  /// graph allows no line.
  package func measured(
    _ subject: MeasuredRun, _ identity: TrajectoriesIdentity, key: String, _ work: Work
  ) throws -> TrajectoriesSummary {
    guard !identity.steps.isEmpty else {
      throw LabError(
        "\(subject.folder.path) keeps no checkpoint to follow lines through; train with --keep-steps log"
      )
    }
    let trajectories = try Trajectories(subject, identity.steps, settings, work)
    return TrajectoriesSummary(
      key: key, identity: identity, points: trajectories.points(), trends: trajectories.trends())
  }

  package static func rows(of summary: TrajectoriesSummary) -> [ResultRows] {
    [
      ResultRows(.trajectoryPoints, summary.points), ResultRows(.trajectoryTrends, summary.trends),
    ]
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try TrajectoryFigures(series: ResultSeries(results), command: command).sections()
  }
}
