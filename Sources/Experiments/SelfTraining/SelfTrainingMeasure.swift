import Analysis
import Corpus
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// What a model that learned from answers gained over the first model it was made of: `kglab self-train`,
/// `self_training` in a study.
///
/// It is held against that model as it is, and as it is at the temperature at which its answers are as spread as the
/// later one's: what that explains is sharpening alone.
package struct SelfTrainingMeasure: Measure {
  package static let name = "self-train"
  package static let key = "self_training"
  package static let version = 1
  package static let tables = [ResultTable.selfTraining]
  package static let settingNames = ModelSelection.settingNames + ["samples", "seed", "resamples"]

  /// What decides the numbers beside the runs.
  package struct Settings: Codable, Hashable, Sendable {
    /// Answers drawn of each query and temperature for entropy, distinct answers and divergence.
    package var samples = 4
    /// Decides the draws, and the resamples behind intervals.
    package var seed: UInt64 = 0
    package var resampleCount = 1_000

    package init() {}

    enum CodingKeys: String, SnakeCaseKey { case samples, seed, resampleCount }
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    settings = Settings()
    selection = try ModelSelection(study: node)
    if let value = node.optional("samples") {
      settings.samples = try value.integer(in: 1...EvaluationOptions.maximumSamples)
    }
    if let value = node.optional("seed") {
      settings.seed = UInt64(try value.integer(in: 0...Int.max))
    }
    if let value = node.optional("resamples") {
      settings.resampleCount = try value.integer(in: 0...1_000_000)
    }
  }

  package var siblings: [String] { [ModelSelection.origin] }

  /// Temperatures at which the first model's answers are drawn to find that of equal entropy, rising.
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

  private func identity(_ subject: MeasuredRun) -> SelfTrainingIdentity {
    SelfTrainingIdentity(
      weightsHash: subject.record.weightsHash ?? "",
      origin: subject.siblings[0].record.weightsHash ?? "",
      graphHash: subject.record.configuration.graphHash, settings: settings)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(Self.self, of: identity(subject), as: SelfTrainingSummary.self)?.key
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

  /// Measures a run against its sibling, the first model, into the run's run.sqlite, or reads the result back.
  ///
  /// Throws `LabError` where they are of different graphs, and `LabError.interrupted` when stopped.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> SelfTrainingSummary {
    let identity = identity(subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: SelfTrainingSummary.self)
    {
      return summary
    }
    let origin = subject.siblings[0]
    guard origin.record.configuration.graphHash == identity.graphHash else {
      throw LabError(
        "\(subject.folder.relativePath) and \(origin.folder.relativePath), of which it was made, were trained on different "
          + "graphs, so that they cannot be compared")
    }
    let comparison = try SharpeningComparison(
      run: subject.open(), origin: origin.open(), graph: subject.graph(), settings, work)
    let summary = SelfTrainingSummary(
      key: try Self.storedKey(of: identity), identity: identity, rows: comparison.rows())
    try RunDatabase.open(in: subject.folder, graphHash: identity.graphHash).store(
      Self.self, identity: identity, summary: summary
    ) { measurement, database in
      try ResultTable.selfTraining.insert(summary.rows, of: measurement, in: database)
    }
    return summary
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try SelfTrainingFigures(results: results, command: command).sections()
  }
}
