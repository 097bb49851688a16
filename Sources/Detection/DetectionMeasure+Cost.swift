import Corpus
package import Evaluation
import Foundation
import LanguageModel
package import Training

extension DetectionMeasure {
  /// Answers drawn and read, heads and full detectors trained, every score resampled.
  ///
  /// Full detectors count all of their passes, though some stop early.
  package func cost(of record: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let all = Double(options.visibilities.reduce(0) { $0 + graph.queryCount(of: $1) })
    let queries = Int((all * record.configuration.corpus.fraction).rounded(.up))
    let examples = Double(queries * options.samples)
    let drawn = examples + Double(queries * options.evidence)
    var cost = TaskCost.inference(
      record, sequences: drawn + examples, rowsOnDisk: examples * 8)
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
    // They are made one after another.
    var kernelBytes = 0
    for head in options.kernels {
      // Of all examples 60 % are learned from, and the others scored.
      let kernel = head.cost(
        train: Int(0.6 * examples), scored: Int(0.4 * examples), width: width)
      cost.flops += kernel.operations * sets
      cost.seconds += kernel.seconds * sets
      kernelBytes = max(kernelBytes, kernel.bytes)
    }
    for head in options.bayesian {
      let operations = head.operations(train: Int(0.6 * examples), inputs: width)
      cost.flops += operations * sets
      // Double precision in small matrices, chains in turn where there is one worker.
      cost.seconds += operations * sets / 7e9
    }
    cost.memoryMiB += Double(kernelBytes) / 1_048_576
    cost.flops += heads
    cost.seconds += SpeedModel.seconds(flops: heads, modelDimension: width)
    let length = Double(record.tokensPerEpoch) / Double(max(1, record.trainedTripleCount)) + 2
    func add(
      _ model: ModelConfiguration, _ operations: Double, _ tokens: Double, readOut: Double = 0,
      bytes: Double
    ) {
      let readOutSize = Double(model.vocabularySize * model.modelDimension)
      let flops =
        (operations * Double(model.nonEmbeddingParameterCount) + readOut * readOutSize) * tokens
      cost.flops += flops
      cost.seconds += SpeedModel.seconds(flops: flops, modelDimension: model.modelDimension)
      cost.memoryMiB += Double(model.parameterCount) * bytes / 1_048_576
    }
    let learned = 0.6 * examples * length * Double(options.fullTraining.epochs) * sets
    for choice in options.full {
      // A third of a text is the answer, whose logits are made twice and gone through backwards
      // once.
      add(
        try Self.fullDetector(choice, of: record), 6, learned,
        readOut: options.fullTraining.readsLogProbability ? 8.0 / 3 : 0, bytes: 28)
    }
    for judge in options.judges {
      add(try Self.model(judge.name, beside: record), 2, examples * length * sets, bytes: 4)
    }
    let detectors = Double(options.heads.count + Self.scoreCount) * sets
    // Resampling takes that long for each number, calibrated scores included.
    let values = examples / 5 * detectors
    cost.seconds += Double(options.resampleCount) * values * 1.5e-8
    return cost
  }

  private static func fullDetector(
    _ choice: FullDetectorChoice, of record: RunRecord
  ) throws -> ModelConfiguration {
    switch choice {
    case .own: record.configuration.model
    case .scratch(let size), .pretrained(let size, _): try model(size, beside: record)
    }
  }

  private static func model(_ size: String, beside record: RunRecord) throws -> ModelConfiguration {
    let judged = record.configuration.model
    return try ModelSize(named: size).configuration(
      vocabularySize: judged.vocabularySize, contextLength: judged.contextLength)
  }

  /// Scores and baselines that are measured beside the heads, about.
  private static let scoreCount = 25
}
