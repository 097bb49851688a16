import Evaluation
import LanguageModel
import Training

/// Expected costs of a study's graph and trainings; measures state theirs.
enum CostModel {
  static func graph(tripleCount: Int) -> TaskCost {
    let triples = Double(tripleCount)
    return TaskCost(
      flops: 0, seconds: SpeedModel.overheadSeconds + triples / 200_000,
      memoryMiB: 20 + triples * 200 / mebi, diskBytes: 50_000 + triples * 120)
  }

  /// Costs of a training by `workers` threads, with the checkpoints that are to stay.
  static func training(_ record: RunRecord, workers: Int, keep: KeepPlan) throws -> TaskCost {
    let kept = try keep.steps(
      stepsPerEpoch: record.stepsPerEpoch ?? record.stepCount, stepCount: record.stepCount)
    let estimate = try TrainingEstimate(
      record, workers: workers, keptCount: kept.count, keepLast: RuntimeOptions().keepLast)
    return TaskCost(
      flops: record.trainingFLOPs,
      seconds: SpeedModel.seconds(
        flops: record.trainingFLOPs, modelDimension: record.configuration.model.modelDimension),
      memoryMiB: Double(estimate.memory.total) / mebi, diskBytes: Double(estimate.finalDisk),
      passingDiskBytes: Double(estimate.peakDisk - estimate.finalDisk))
  }

  /// Costs of reading a run's weights, changing them and writing them.
  static func compression(_ record: RunRecord) -> TaskCost {
    let parameters = Double(record.parameterCount)
    return TaskCost(
      flops: 0, seconds: SpeedModel.overheadSeconds + parameters / 2_000_000,
      memoryMiB: 20 + parameters * 24 / mebi, diskBytes: 50_000 + parameters * 4)
  }

  private static let mebi = 1_048_576.0
}
