import Analysis
import Corpus
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// The loss of lines of known status over a training: `trajectories` in a study that keeps checkpoints (arXiv 2212.09803).
package struct TrajectoriesMeasure: Measure {
  package static let name = "trajectories"
  package static let key = "trajectories"
  package static let version = 1
  package static let readsCheckpoints = true
  package static let tables = [ResultTable.trajectoryPoints, .trajectoryTrends]
  package static let settingNames =
    ModelSelection.settingNames + ["lines", "contrast", "from", "seed", "resamples"]

  /// What decides the numbers beside the runs.
  package struct Settings: Codable, Hashable, Sendable {
    /// Lines of each family at most, and as many more for the validation loss.
    package var lineCount = 1_000
    /// Sizes of the small and the large model that lines of the first less the second are decoded from; empty for none.
    package var contrast: [String] = []
    /// Share of the training after which trends begin.
    package var start = 0.1
    /// Decides the lines, and the resamples behind intervals.
    package var seed: UInt64 = 0
    package var resampleCount = 1_000

    package init() {}

    enum CodingKeys: String, SnakeCaseKey { case lineCount, contrast, start, seed, resampleCount }
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    settings = Settings()
    selection = try ModelSelection(study: node)
    if let value = node.optional("lines") {
      settings.lineCount = try value.integer(in: 1...10_000_000)
    }
    if let value = node.optional("contrast") {
      settings.contrast = try value.distinct { try $0.modelSize() }
      guard settings.contrast.count == 2 else {
        throw value.failure("names two sizes, the small model and the large one")
      }
    }
    if let value = node.optional("from") {
      settings.start = try value.number("at least 0, below 1") { $0 >= 0 && $0 < 1 }
    }
    if let value = node.optional("seed") {
      settings.seed = UInt64(try value.integer(in: 0...Int.max))
    }
    if let value = node.optional("resamples") {
      settings.resampleCount = try value.integer(in: 0...1_000_000)
    }
  }

  package var siblings: [String] { settings.contrast }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    // How many checkpoints are kept is known once it is trained; about a dozen are by --keep-steps log.
    let queries = min(
      Double(2 * settings.lineCount),
      run.configuration.corpus.fraction * Double(graph.fvsCount + graph.pvsCount))
    var cost = TaskCost.inference(run, sequences: 12 * queries * 6, rowsOnDisk: 0)
    cost.seconds += 2 + Double(settings.lineCount * settings.resampleCount) * 12 * 5 * 1e-8
    cost.diskBytes = 50_000
    return cost
  }

  private func identity(_ subject: MeasuredRun) throws -> TrajectoriesIdentity {
    TrajectoriesIdentity(
      steps: RunFolder.checkpointSteps(subject.folder),
      weightsHash: subject.record.weightsHash ?? "",
      contrast: subject.siblings.map { $0.record.weightsHash ?? "" },
      graphHash: subject.record.configuration.graphHash, settings: settings)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(Self.self, of: identity(subject), as: TrajectoriesSummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    guard let last = summary.points.last else { return "" }
    return String(
      format: "%d steps, validation loss %.3f at the end", Set(summary.points.map(\.step)).count,
      last.validationLoss)
  }

  /// Scores the lines at every kept checkpoint into the run's run.sqlite, or reads the result back.
  ///
  /// Throws `LabError` where the run keeps no checkpoint or the graph allows no line, and `LabError.interrupted` when stopped.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> TrajectoriesSummary {
    let identity = try identity(subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: TrajectoriesSummary.self)
    {
      return summary
    }
    guard !identity.steps.isEmpty else {
      throw LabError(
        "\(subject.folder.path) keeps no checkpoint to follow lines through; train with --keep-steps log"
      )
    }
    let trajectories = try Trajectories(subject, identity.steps, settings, work)
    let summary = TrajectoriesSummary(
      key: try Self.storedKey(of: identity), identity: identity, points: trajectories.points(),
      trends: trajectories.trends())
    try RunDatabase.open(in: subject.folder, graphHash: identity.graphHash).store(
      Self.self, identity: identity, summary: summary
    ) { measurement, database in
      try ResultTable.trajectoryPoints.insert(summary.points, of: measurement, in: database)
      try ResultTable.trajectoryTrends.insert(summary.trends, of: measurement, in: database)
    }
    return summary
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try TrajectoryFigures(series: ResultSeries(results), command: command).sections()
  }
}
