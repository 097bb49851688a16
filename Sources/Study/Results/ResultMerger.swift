import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import LabCore
import Training

/// Collects what the runs of a study have on disk; the same runs give the same results.
struct ResultMerger {
  let plan: StudyPlan
  let folder: StudyFolder

  /// Results of every training that ended, and a row for each task that failed or was skipped.
  func merge() throws -> StudyResults {
    var results = StudyResults()
    results.name = plan.name
    results.question = plan.question
    results.topK = plan.evaluation.topK
    results.topP = plan.evaluation.topP
    results.graphs = [plan.graph]
    for task in plan.tasks(.train) {
      guard let record = try RunFolder.readRecord(folder.model(task.id)),
        record.status != .training
      else { continue }
      results.runs.append(run(task, record))
      try addEvaluation(of: task, record, to: &results)
      try addDetection(of: task, record, to: &results)
    }
    results.failures = failures(
      beside: Set(results.runs.filter { $0.status != RunRecord.Status.complete.rawValue }.map(\.id))
    )
    return results
  }

  private func run(_ task: StudyTask, _ record: RunRecord) -> RunRow {
    let configuration = record.configuration
    return RunRow(
      id: task.id, graphID: plan.graph.id, name: Self.name(task), size: record.sizeName,
      parameters: record.parameterCount,
      nonEmbeddingParameters: record.nonEmbeddingParameterCount,
      horizon: configuration.training.horizon.words, epochs: record.epochCount,
      fraction: configuration.corpus.fraction,
      seed: Int64(bitPattern: configuration.seed),
      learningRate: configuration.training.learningRate,
      precision: configuration.training.precision.rawValue, variant: task.variant ?? "",
      status: record.status.rawValue, divergedStep: record.divergence?.step,
      trainedTriples: record.trainedTripleCount, tokensPerEpoch: record.tokensPerEpoch,
      tokensPerParameter: record.tokensPerParameter, steps: record.stepCount,
      trainingFLOPs: record.trainingFLOPs, initialCrossEntropy: record.initialCrossEntropy,
      crossEntropy: record.finalCrossEntropy,
      seconds: record.secondsElapsed, tokensPerSecond: record.tokensPerSecond,
      peakMemoryMiB: record.peakMemoryMiB)
  }

  /// "100k, 20 epochs" of "train 100k, 20 epochs".
  private static func name(_ task: StudyTask) -> String {
    task.name.hasPrefix("train ") ? String(task.name.dropFirst(6)) : task.name
  }

  private func addEvaluation(
    of task: StudyTask, _ record: RunRecord, to results: inout StudyResults
  ) throws {
    let stored = try EvaluationStage.stored(
      record, in: folder.model(task.id), options: plan.evaluation)
    guard let summary = stored else { return }
    results.rates += summary.rates.map { rate in
      RateRow(
        runID: task.id, method: rate.method.rawValue, temperature: rate.temperature,
        visibility: rate.visibility.rawValue, groupKind: rate.groupKind,
        groupValue: rate.groupValue, queryCount: rate.queryCount, sampleCount: rate.sampleCount,
        rate: rate.rate, lower: rate.lower, upper: rate.upper, correct: rate.correct,
        correctHeldOut: rate.correctHeldOut)
    }
    results.verdicts += summary.verdicts.map { row in
      VerdictRow(
        runID: task.id, method: row.method.rawValue, temperature: row.temperature,
        visibility: row.visibility.rawValue, verdict: row.verdict, count: row.count,
        sampleCount: row.sampleCount)
    }
    results.coverages += summary.coverage.map { row in
      CoverageRow(
        runID: task.id, method: row.method.rawValue, temperature: row.temperature,
        visibility: row.visibility.rawValue, queryCount: row.queryCount, precision: row.precision,
        recall: row.recall)
    }
    results.grades += (summary.grades ?? []).map { row in
      GradeRow(
        runID: task.id, visibility: row.visibility.rawValue, groupKind: row.groupKind,
        groupValue: row.groupValue, queryCount: row.queryCount, answerCount: row.answerCount,
        accuracy: row.accuracy, accuracyLower: row.accuracyLower, accuracyUpper: row.accuracyUpper,
        chance: row.chance, meanReciprocalRank: row.meanReciprocalRank,
        meanReciprocalRankLower: row.meanReciprocalRankLower,
        meanReciprocalRankUpper: row.meanReciprocalRankUpper)
    }
  }

  private func addDetection(
    of task: StudyTask, _ record: RunRecord, to results: inout StudyResults
  ) throws {
    guard let detection = plan.tasks(.detect).first(where: { $0.runID == task.id }),
      let summary = try DetectionStage.stored(detection, record, plan: plan, folder: folder)
    else { return }
    for detector in summary.detectors {
      let counts = summary.counts(detector.task, detector.position)
      for estimate in detector.metrics where estimate.metric != .prevalence {
        results.detectors.append(
          DetectorRow(
            runID: task.id, task: detector.task.rawValue, position: detector.position.name,
            kind: detector.kind.rawValue, name: detector.name, parameters: detector.parameters,
            validationAUROC: detector.training?.validationAUROC, metric: estimate.metric.rawValue,
            value: estimate.value, lower: estimate.lower, upper: estimate.upper,
            prevalence: counts?.prevalence ?? 0, exampleCount: counts?[.test]?.exampleCount ?? 0))
      }
    }
  }

  /// Tasks that failed or were skipped; what was skipped because its training diverged lacks nothing.
  private func failures(beside diverged: Set<String>) -> [FailureRow] {
    plan.tasks.compactMap { task in
      if let run = task.runID, diverged.contains(run) { return nil }
      guard let record = folder.journal.record(of: task.id),
        record.status == .failed || record.status == .skipped
      else { return nil }
      return FailureRow(
        taskID: task.id, kind: task.kind.rawValue, name: task.name,
        status: record.status.rawValue, error: record.error ?? "")
    }
  }
}
