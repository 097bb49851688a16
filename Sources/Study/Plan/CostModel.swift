import Detection
import LanguageModel
import Training

/// Expected costs of a study's tasks; `SpeedModel` and `MemoryEstimate` say what training takes.
package enum CostModel {
  /// Seconds that any task takes.
  static let overheadSeconds = SpeedModel.overheadSeconds

  /// Seconds of one thread for some operations on a model.
  package static func seconds(flops: Double, modelDimension: Int) -> Double {
    SpeedModel.seconds(flops: flops, modelDimension: modelDimension)
  }

  static func graph(tripleCount: Int) -> TaskCost {
    let triples = Double(tripleCount)
    return TaskCost(
      flops: 0, seconds: overheadSeconds + triples / 200_000, memoryMiB: 20 + triples * 200 / mebi,
      diskBytes: 50_000 + triples * 120)
  }

  /// Costs of a training by `workers` threads, with the checkpoints that are to stay.
  static func training(_ record: RunRecord, workers: Int, keep: KeepPlan) throws -> TaskCost {
    let kept = try keep.steps(
      stepsPerEpoch: record.stepsPerEpoch ?? record.stepCount, stepCount: record.stepCount)
    let estimate = try TrainingEstimate(
      record, workers: workers, keptCount: kept.count, keepLast: RuntimeOptions().keepLast)
    return TaskCost(
      flops: record.trainingFLOPs,
      seconds: seconds(
        flops: record.trainingFLOPs, modelDimension: record.configuration.model.modelDimension),
      memoryMiB: Double(estimate.memory.total) / mebi, diskBytes: Double(estimate.finalDisk),
      passingDiskBytes: Double(estimate.peakDisk - estimate.finalDisk))
  }

  /// Costs of running the model over `sequences` of answers and prompts, forward only, and storing `rowsOnDisk` answers.
  ///
  /// Texts that begin alike are computed once, and most samples of a trained model do; the share was measured by
  /// experiments/detectability/small.yaml.
  static func inference(_ record: RunRecord, sequences: Double, rowsOnDisk: Double) -> TaskCost {
    let perToken = record.trainingFLOPs / max(1, record.trainingTokens)
    let length = Double(record.tokensPerEpoch) / Double(max(1, record.trainedTripleCount))
    let flops = perToken / 3 * length * sequences / 6
    return TaskCost(
      flops: flops,
      seconds: seconds(flops: flops, modelDimension: record.configuration.model.modelDimension)
        + rowsOnDisk * 2e-5,
      memoryMiB: 40 + Double(record.parameterCount) * 4 / mebi, diskBytes: rowsOnDisk * 60)
  }

  /// Costs of detection: answers drawn and read, heads and full detectors trained, every score resampled.
  ///
  /// `queries` is the number of queries asked. Full detectors count all of their passes, though some stop early.
  static func detection(
    _ record: RunRecord, _ options: DetectionOptions, queries: Int
  ) throws -> TaskCost {
    let examples = Double(queries * options.samples)
    let drawn = examples + Double(queries * options.evidence)
    var cost = inference(record, sequences: drawn + examples, rowsOnDisk: examples * 8)
    let width = record.configuration.model.modelDimension
    let training = HeadTrainingOptions()
    // Sets of examples, each with detectors of its own.
    let sets = Double(
      options.tasks.reduce(0) { $0 + ($1 == .sentence ? 1 : options.positions.count) })
    let rows = Double(training.stepCount * training.batchSize) * sets
    let heads = options.heads.reduce(0.0) { sum, head in
      let tries = head == .linear ? training.linearPenalties.count : 1
      return sum + Double(head.parameterCount(inputWidth: width) * tries) * 6 * rows
    }
    cost.flops += heads
    cost.seconds += seconds(flops: heads, modelDimension: width)
    let length = Double(record.tokensPerEpoch) / Double(max(1, record.trainedTripleCount)) + 2
    let tokens = 0.6 * examples * length * Double(options.fullTraining.epochs) * sets
    for choice in options.full {
      let model = try fullDetector(choice, of: record)
      let flops = 6 * Double(model.nonEmbeddingParameterCount) * tokens
      cost.flops += flops
      cost.seconds += seconds(flops: flops, modelDimension: model.modelDimension)
      cost.memoryMiB += Double(model.parameterCount) * 28 / mebi
    }
    let detectors = Double(options.heads.count + scoreCount) * sets
    cost.seconds += resampling(options.resampleCount, values: examples / 5 * detectors)
    return cost
  }

  private static func fullDetector(
    _ choice: FullDetectorChoice, of record: RunRecord
  ) throws -> ModelConfiguration {
    let judged = record.configuration.model
    switch choice {
    case .own: return judged
    case .scratch(let size), .pretrained(let size, _):
      return try ModelSize(named: size).configuration(
        vocabularySize: judged.vocabularySize, contextLength: judged.contextLength)
    }
  }

  /// Seconds to resample `values` numbers that often, calibrated scores included.
  static func resampling(_ count: Int, values: Double) -> Double {
    Double(count) * values * 1.5e-8
  }

  /// Scores and baselines that are measured beside the heads, about.
  private static let scoreCount = 25
  private static let mebi = 1_048_576.0
}
