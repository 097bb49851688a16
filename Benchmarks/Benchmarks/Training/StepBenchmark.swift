package import Compute
import LabCore
package import LanguageModel
import Training

/// Time of whole training steps (forward, backward, update) on random tokens.
package struct StepBenchmark {
  /// What one benchmark measured.
  package struct Result: Sendable {
    package let speed: ModelSpeed
    /// Mean loss of the last step in nats.
    package let crossEntropy: Double
  }

  private let configuration: ModelConfiguration
  private let sequences: Int
  private let precision: Precision
  private let workers: Int

  /// Steps of `sequences` windows of the model's context length, in `precision`, by `workers`.
  package init(
    _ configuration: ModelConfiguration, sequences: Int, precision: Precision, workers: Int
  ) {
    self.configuration = configuration
    self.sequences = sequences
    self.precision = precision
    self.workers = workers
  }

  /// The median over the steps done in `seconds`, at least three, after three to warm up.
  ///
  /// Where a step takes longer than `seconds`, one is enough to warm up. Throws `LabError` when
  /// memory is short.
  package func run(seconds: Double) throws -> Result {
    ProcessMemory.resetPeak()
    let workload = try TrainingWorkload(
      configuration, sequences: sequences, precision: precision, workers: workers)
    let timing = Timing.collect(for: seconds, warmUps: 3) { workload.step() }
    let speed = try ModelSpeed(
      tokens: workload.tokensPerStep,
      flopsPerToken: configuration.trainingFLOPsPerToken(
        meanAttendedLength: Double(configuration.contextLength) / 2),
      timing: timing, parameterCount: workload.model.layout.count, precision: precision,
      workers: workers, ceilingSeconds: min(0.5, seconds))
    return Result(speed: speed, crossEntropy: workload.crossEntropy)
  }
}
