package import Compute
import LabCore
import LanguageModel
import Training

/// Time of several models trained side by side, each by one worker, as a study runs its tasks.
package struct LadderBenchmark {
  /// One model of the ladder.
  package struct Rung: Codable, Sendable {
    package let shape: String
    package let parameterCount: Int
    /// Wall time of its steps, first one included, beside the other models.
    package let seconds: Double
    package let tokensPerSecond: Double
    /// Mean loss of the last step in nats.
    package let crossEntropy: Double

    enum CodingKeys: String, CodingKey {
      case shape, seconds
      case parameterCount = "parameter_count"
      case tokensPerSecond = "tokens_per_second"
      case crossEntropy = "cross_entropy"
    }
  }

  /// What one benchmark measured.
  package struct Result: Codable, Sendable {
    /// The rungs in the order they were asked for.
    package let rungs: [Rung]
    /// Wall time of the whole ladder, with the making of the models.
    package let seconds: Double
    package let tokensPerSecond: Double
    package let flopsPerSecond: Double
    package let ceilingFLOPsPerSecond: Double
    package let shareOfCeiling: Double
    package let peakMemoryMiB: Double?

    enum CodingKeys: String, CodingKey {
      case rungs, seconds
      case tokensPerSecond = "tokens_per_second"
      case flopsPerSecond = "flops_per_second"
      case ceilingFLOPsPerSecond = "ceiling_flops_per_second"
      case shareOfCeiling = "share_of_ceiling"
      case peakMemoryMiB = "peak_memory_mib"
    }
  }

  private let regime: BenchmarkRegime
  private let steps: Int
  private let precision: Precision
  private let workers: Int

  /// `steps` steps of every shape of `regime`, `workers` models at a time, the longest first.
  package init(_ regime: BenchmarkRegime, steps: Int, precision: Precision, workers: Int) {
    self.regime = regime
    self.steps = steps
    self.precision = precision
    self.workers = workers
  }

  /// Trains the ladder once.
  ///
  /// Throws `LabError` when memory is short.
  package func run(ceilingSeconds: Double) throws -> Result {
    ProcessMemory.resetPeak()
    let configurations = regime.shapes.map {
      $0.configuration(
        vocabularySize: regime.vocabularySize, contextLength: regime.contextLength)
    }
    let flopsPerToken = configurations.map {
      $0.trainingFLOPsPerToken(meanAttendedLength: Double(regime.contextLength) / 2)
    }
    let order = configurations.indices.sorted { flopsPerToken[$0] > flopsPerToken[$1] }
    let pool = try WorkerPool(workerCount: workers)
    var byCost: [Rung] = []
    let seconds = try Timing.seconds {
      byCost = try pool.map(pieces: order.count) { _, piece in
        try train(configurations[order[piece]], named: regime.shapes[order[piece]].description)
      }
    }
    let peak = ProcessMemory.peakMiB
    let rungs = zip(order, byCost).sorted { $0.0 < $1.0 }.map(\.1)
    let tokens = Double(steps * regime.sequences * regime.contextLength)
    let rate = tokens * flopsPerToken.reduce(0, +) / seconds
    let ceiling = try ProductCeiling.measure(
      precision, workers: workers, seconds: ceilingSeconds)
    return Result(
      rungs: rungs, seconds: seconds, tokensPerSecond: tokens * Double(rungs.count) / seconds,
      flopsPerSecond: rate, ceilingFLOPsPerSecond: ceiling.flopsPerSecond,
      shareOfCeiling: rate / ceiling.flopsPerSecond, peakMemoryMiB: peak)
  }

  private func train(_ configuration: ModelConfiguration, named shape: String) throws -> Rung {
    let workload = try TrainingWorkload(
      configuration, sequences: regime.sequences, precision: precision, workers: 1)
    let seconds = Timing.seconds { for _ in 0..<steps { _ = workload.step() } }
    return Rung(
      shape: shape, parameterCount: workload.model.layout.count, seconds: seconds,
      tokensPerSecond: Double(steps * workload.tokensPerStep) / seconds,
      crossEntropy: workload.crossEntropy)
  }
}
