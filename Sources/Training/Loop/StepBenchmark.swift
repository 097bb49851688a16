package import Compute
import Foundation
import LabCore
package import LanguageModel

/// Time of whole training steps (forward, backward, update) on random tokens.
package struct StepBenchmark {
  /// What one benchmark measured.
  package struct Result: Codable, Sendable {
    package let tokensPerSecond: Double
    package let floatingPointOperationsPerSecond: Double
    package let parameterCount: Int
    package let peakMemoryMiB: Double?
    package let finalCrossEntropy: Double

    enum CodingKeys: String, CodingKey {
      case tokensPerSecond = "tokens_per_second"
      case floatingPointOperationsPerSecond = "flops_per_second"
      case parameterCount = "parameters"
      case peakMemoryMiB = "peak_memory_mib"
      case finalCrossEntropy = "final_cross_entropy"
    }
  }

  private let configuration: ModelConfiguration
  private let training: TrainingConfiguration
  private let sequences: Int
  private let workers: Int

  /// Steps of `sequences` windows of the model's context length, in `precision`, by `workers`.
  package init(
    _ configuration: ModelConfiguration, sequences: Int, precision: Precision, workers: Int
  ) {
    self.configuration = configuration
    self.sequences = sequences
    self.workers = workers
    var training = TrainingConfiguration(epochs: 1, learningRate: 3e-4)
    training.precision = precision
    self.training = training
  }

  /// The median over the steps done in `seconds`, at least five, after three to warm up.
  package func run(seconds: Double) throws -> Result {
    let seed = Seed(0)
    let length = configuration.contextLength
    let model = try LanguageModel(configuration, seed: seed, on: .cpu)
    let optimizer = try Optimizer(model.layout, training, on: .cpu)
    let pool = try WorkerPool(workerCount: workers)
    let lanes = try Lanes(
      model, count: training.lanes, precision: training.precision, longestSequence: length,
      workers: workers)
    var stream = seed.stream("benchmark")
    var times: [Double] = []
    var loss = 0.0
    let start = Date()
    var number = 0
    while times.count < 5 || Date().timeIntervalSince(start) < seconds {
      var batch = TokenBatch()
      for _ in 0..<sequences {
        let tokens = (0...length).map { _ in Int32(stream.below(configuration.vocabularySize)) }
        batch.append(tokens: tokens.dropLast(), targets: tokens.dropFirst())
      }
      let began = Date()
      loss = lanes.run(batch, zLoss: 0, on: pool) / Double(batch.lossCount)
      let norm = optimizer.reduce(lanes.gradients, on: pool, streams: lanes.streams)
      optimizer.step(
        model.parameters, gradient: lanes.gradients[0], norm: norm, learningRate: 3e-4,
        stepNumber: number, on: pool, streams: lanes.streams)
      if number >= 3 { times.append(Date().timeIntervalSince(began)) }
      number += 1
    }
    let median = times.sorted()[times.count / 2]
    let tokensPerSecond = Double(sequences * length) / median
    return Result(
      tokensPerSecond: tokensPerSecond,
      floatingPointOperationsPerSecond: tokensPerSecond
        * configuration.trainingFLOPsPerToken(meanAttendedLength: Double(length) / 2),
      parameterCount: model.layout.count, peakMemoryMiB: ProcessMemory.peakMiB,
      finalCrossEntropy: loss)
  }
}
