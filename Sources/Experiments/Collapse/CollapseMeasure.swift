import Corpus
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// What a model of a later generation still says: `collapse` in a study (arXiv 2404.01413; Shumailov et al., Nature 2024).
///
/// Its answers are read by the first model of the line, of generation 0, and held against which objects there are.
package struct CollapseMeasure: Measure {
  package static let name = "collapse"
  package static let key = "collapse"
  package static let version = 1
  package static let tables = [
    ResultTable.collapseAnswers, .collapseLosses, .collapseObjects,
  ]
  package static let settingNames = ModelSelection.settingNames + ["samples", "seed", "resamples"]

  /// What decides the numbers beside the runs.
  package struct Settings: Codable, Hashable, Sendable {
    /// Answers drawn to each query at temperature 1.
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

  package var siblings: [String] { [ModelSelection.head] }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let drawn =
      run.configuration.corpus.fraction * Double(graph.fvsCount + graph.pvsCount)
      * Double(settings.samples)
    var cost = TaskCost.inference(
      run, sequences: drawn * 3 + Double(run.trainedTripleCount), rowsOnDisk: 0)
    cost.seconds += Double(settings.resampleCount) * Double(graph.queryCount) * 1e-7
    cost.memoryMiB += drawn * 0.001
    cost.diskBytes = 30_000
    return cost
  }

  private func identity(_ subject: MeasuredRun) -> CollapseIdentity {
    CollapseIdentity(
      weightsHash: subject.record.weightsHash ?? "",
      head: subject.siblings[0].record.weightsHash ?? "",
      graphHash: subject.record.configuration.graphHash, settings: settings)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(Self.self, of: identity(subject), as: CollapseSummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    guard let all = summary.answers.first else { return "" }
    return String(format: "generation 0 gives its answers a loss of %.3f nats", all.loss)
  }

  /// Measures a run by its sibling, the first model of its line, into the run's run.sqlite, or reads the result back.
  ///
  /// The sibling may be the run itself. Throws `LabError` where they are of different graphs or tokenizers, and
  /// `LabError.interrupted` when stopped.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> CollapseSummary {
    let identity = identity(subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: CollapseSummary.self)
    {
      return summary
    }
    let head = subject.siblings[0]
    guard head.record.configuration.graphHash == identity.graphHash,
      head.record.tokenizerHash == subject.record.tokenizerHash
    else {
      throw LabError(
        "\(subject.folder.relativePath) and \(head.folder.relativePath) have different graphs or tokenizers, so that one "
          + "cannot read the other's answers")
    }
    let said = try SaidAnswers(
      run: subject.open(), head: head.open(), graph: subject.graph(), settings, work)
    let summary = CollapseSummary(
      key: try Self.storedKey(of: identity), identity: identity, answers: said.answers(),
      losses: said.losses(), objects: said.objects())
    try RunDatabase.open(in: subject.folder, graphHash: identity.graphHash).store(
      Self.self, identity: identity, summary: summary
    ) { measurement, database in
      try ResultTable.collapseAnswers.insert(summary.answers, of: measurement, in: database)
      try ResultTable.collapseLosses.insert(summary.losses, of: measurement, in: database)
      try ResultTable.collapseObjects.insert(summary.objects, of: measurement, in: database)
    }
    return summary
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try CollapseFigures(results: results, command: command).sections()
  }
}
