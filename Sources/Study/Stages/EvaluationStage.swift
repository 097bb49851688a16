import Corpus
import Evaluation
import Foundation
import LabCore
import Training

/// Measures the language models of a study.
enum EvaluationStage {
  /// Raised when the same settings give other numbers than before.
  static let version = 1

  /// Evaluates one run into its run.sqlite; returns a line with its headline rates.
  static func run(
    _ task: StudyTask, in context: StageContext, _ progress: TaskProgress
  ) throws -> String {
    guard let runID = task.runID else { return "" }
    let run = try RunFolder.open(context.folder.model(runID))
    let summary = try run.evaluate(
      context.plan.evaluation, graph: context.graph.value(), workers: context.threads,
      onProgress: { state in
        let share = Double(state.doneQueryCount) / Double(max(1, state.queryCount))
        progress.update(share, "\(state.doneQueryCount) of \(state.queryCount) queries")
      }, shouldStop: progress.shouldStop)
    return [QuerySet.fvs, .pvs, .ivs].compactMap { set in
      summary.rate(.exact, temperature: 1, set).map {
        "\(set.rawValue.uppercased()) \(Readable.percent($0.rate))"
      }
    }.joined(separator: ", ")
  }

  /// What is stored of a run's evaluation under the plan's options; nil until it is complete.
  static func stored(
    _ record: RunRecord, in folder: URL, options: EvaluationOptions
  ) throws -> EvaluationSummary? {
    guard let weightsHash = record.weightsHash, let database = try RunDatabase.read(in: folder)
    else { return nil }
    return try database.summary(
      of: EvaluationIdentity(
        options: options, fraction: record.configuration.corpus.fraction,
        graphHash: record.configuration.graphHash, weightsHash: weightsHash))
  }
}
