import Detection
import LanguageModel
import Training

/// Expected costs, by a simple stated model: operations divided by a rate that grows with the width.
///
/// The rate of one thread is `peakRate * C / (C + halfWidth)` floating-point operations a second for a
/// model of width C: narrow models spend their time outside matrix products. Both constants fit the user
/// time of `kglab train --workers 1` on an EPYC Zen 4 (docs/studies.md); a study corrects them as it runs.
package enum CostModel {
  /// Floating-point operations a second of one thread on a very wide model.
  package static let peakRate = 80e9
  /// The width at which a thread reaches half of that.
  package static let halfWidth = 32.0
  /// Seconds that any task takes.
  static let overheadSeconds = 0.05

  /// Seconds of one thread for some operations on a model.
  package static func seconds(flops: Double, modelDimension: Int) -> Double {
    let width = Double(modelDimension)
    return overheadSeconds + flops * (width + halfWidth) / (peakRate * width)
  }

  static func graph(tripleCount: Int) -> TaskCost {
    let triples = Double(tripleCount)
    return TaskCost(
      flops: 0, seconds: overheadSeconds + triples / 200_000, memoryMiB: 20 + triples * 200 / mebi,
      diskBytes: 50_000 + triples * 120)
  }

  static func training(_ record: RunRecord) -> TaskCost {
    let configuration = record.configuration
    let values = Double(record.parameterCount)
    let lanes = Double(configuration.training.lanes)
    // Weights, two moments and one gradient a lane; activations of one lane's share of a step.
    let activations =
      Double(configuration.training.tokensPerStep) / lanes
      * Double(
        configuration.model.layerCount * configuration.model.modelDimension * 20
          + configuration.model.vocabularySize * 2)
    return TaskCost(
      flops: record.trainingFLOPs,
      seconds: seconds(
        flops: record.trainingFLOPs, modelDimension: configuration.model.modelDimension),
      memoryMiB: 20 + (values * (3 + lanes) + activations) * 4 / mebi,
      diskBytes: values * 4 + 60_000)
  }

  /// Costs of running the model over `sequences` of answers and prompts, forward only.
  static func inference(_ record: RunRecord, sequences: Double, rowsOnDisk: Double) -> TaskCost {
    let perToken = record.trainingFLOPs / max(1, record.trainingTokens)
    let length = Double(record.tokensPerEpoch) / Double(max(1, record.trainedTripleCount))
    let flops = perToken / 3 * length * sequences
    return TaskCost(
      flops: flops,
      seconds: seconds(flops: flops, modelDimension: record.configuration.model.modelDimension),
      memoryMiB: 40 + Double(record.parameterCount) * 4 / mebi, diskBytes: rowsOnDisk * 60)
  }

  /// Costs of detection: answers drawn and read, heads trained, every score resampled.
  ///
  /// `queries` is the number of queries asked.
  static func detection(
    _ record: RunRecord, _ options: DetectionOptions, queries: Int
  ) -> TaskCost {
    let examples = Double(queries * options.samples)
    var cost = inference(record, sequences: examples * 2, rowsOnDisk: examples * 8)
    let width = record.configuration.model.modelDimension
    let training = HeadTrainingOptions()
    let rows = Double(training.stepCount * training.batchSize * options.tasks.count)
    let heads = options.heads.reduce(0.0) { sum, head in
      let tries = head == .linear ? training.linearPenalties.count : 1
      return sum + Double(head.parameterCount(inputWidth: width) * tries) * 6 * rows
    }
    cost.flops += heads
    cost.seconds += seconds(flops: heads, modelDimension: width)
    let detectors = Double((options.heads.count + scoreCount) * options.tasks.count)
    cost.seconds += resampling(options.resampleCount, values: examples / 5 * detectors)
    return cost
  }

  /// Seconds to resample `values` numbers that often.
  static func resampling(_ count: Int, values: Double) -> Double {
    Double(count) * values * 5e-9
  }

  /// Scores and baselines that are measured beside the heads, about.
  private static let scoreCount = 8
  private static let mebi = 1_048_576.0
}
