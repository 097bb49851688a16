import Corpus
import Detection
import Evaluation
import Foundation
import LabCore
import Training

/// Trains and judges the detectors of a study's language models.
enum DetectionStage {
  /// Raised when the same settings give other numbers than before.
  static let version = 3

  /// Measures the detectors of one run into its folder; returns a line with the best head.
  static func run(
    _ task: StudyTask, in context: StageContext, _ progress: TaskProgress
  ) throws -> String {
    guard let runID = task.runID, let plan = context.plan.detection else { return "" }
    let run = try RunFolder.open(context.folder.model(runID))
    let sources = try (task.sources ?? []).map { try RunFolder.open(context.folder.model($0)) }
    let runner = try DetectionRunner(
      run: run, graph: context.graph.value(),
      options: plan.options(sources: sources.map(\.record)), sources: sources,
      keepsFeatures: false, workers: context.threads)
    let summary = try runner.run(
      progress: { state in progress.update(share(of: state), state.stage.rawValue) },
      shouldStop: progress.shouldStop)
    return plan.options.tasks.compactMap { task in
      let heads = summary.detectors.filter {
        $0.task == task && $0.position == .each && $0.kind == .head
      }
      let best = heads.compactMap { $0[.auroc]?.value }.max()
      return best.map { String(format: "%@ AUROC %.3f", task.rawValue, $0) }
    }.joined(separator: ", ")
  }

  /// Training of heads takes about as long as all before it.
  private static func share(of state: DetectionProgress) -> Double {
    switch state.stage {
    case .drawing: 0.4 * state.share
    case .reading: 0.4 + 0.1 * state.share
    case .training: 0.5 + 0.5 * state.share
    }
  }

  /// What is stored of a run's detection by a task of the plan; nil until it is complete.
  static func stored(
    _ task: StudyTask, _ record: RunRecord, plan: StudyPlan, folder: StudyFolder
  ) throws -> DetectionSummary? {
    guard let detection = plan.detection, let runID = task.runID,
      let weightsHash = record.weightsHash,
      let database = try RunDatabase.read(in: folder.model(runID))
    else { return nil }
    let sources = try (task.sources ?? []).map { try RunFolder.readRecord(folder.model($0)) }
    return try database.detectionSummary(
      of: DetectionIdentity(
        options: detection.options(sources: sources.compactMap(\.self)),
        training: HeadTrainingOptions(),
        fraction: record.configuration.corpus.fraction,
        graphHash: record.configuration.graphHash, weightsHash: weightsHash))
  }
}
