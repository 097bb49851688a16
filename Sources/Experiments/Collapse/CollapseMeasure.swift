import Corpus
package import Evaluation
import Foundation
package import LabCore
package import Report
package import Training

/// What a model of a later generation still says: `collapse` in a study (arXiv 2404.01413;
/// Shumailov et al., Nature 2024).
///
/// Its answers are read by the first model of the line, of generation 0, and held against which
/// objects there are.
package struct CollapseMeasure: ListedMeasure, StoredMeasure {
  package static let name = "collapse"
  package static let key = "collapse"
  package static let version = 1
  package static let tables = [
    ResultTable.collapseAnswers, .collapseLosses, .collapseObjects,
  ]

  /// What decides the numbers beside the runs.
  package struct Settings: StudySettings {
    /// Answers drawn to each query at temperature 1.
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

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    guard let all = summary.answers.first else { return "" }
    return String(format: "generation 0 gives its answers a loss of %.3f nats", all.loss)
  }

  package func identity(of subject: MeasuredRun) -> CollapseIdentity {
    CollapseIdentity(subject, settings)
  }

  /// Measures a run by its sibling, the first model of its line, which may be the run itself.
  ///
  /// Throws `LabError` where they are of different graphs or tokenizers.
  package func measured(
    _ subject: MeasuredRun, _ identity: CollapseIdentity, key: String, _ work: Work
  ) throws -> CollapseSummary {
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
    return CollapseSummary(
      key: key, identity: identity, answers: said.answers(), losses: said.losses(),
      objects: said.objects())
  }

  package static func rows(of summary: CollapseSummary) -> [ResultRows] {
    [
      ResultRows(.collapseAnswers, summary.answers), ResultRows(.collapseLosses, summary.losses),
      ResultRows(.collapseObjects, summary.objects),
    ]
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try CollapseFigures(results: results, command: command).sections()
  }
}
