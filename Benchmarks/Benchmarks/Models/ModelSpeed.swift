package import Compute
package import LabCore
import LanguageModel

/// How fast a model's work went, beside what the machine can do.
package struct ModelSpeed: Codable, Hashable, Sendable {
  /// Tokens trained on or written.
  package let tokensPerSecond: Double
  /// Floating-point operations of the model, see `ModelConfiguration`; nothing computed twice
  /// counts twice.
  package let flopsPerToken: Double
  package let flopsPerSecond: Double
  /// The ceiling of matrix products, measured right after the work with as many workers.
  package let ceilingFLOPsPerSecond: Double
  package let shareOfCeiling: Double
  /// Median seconds of a repetition, which is a training step or one generation of all prompts.
  package let seconds: Double
  package let repetitions: Int
  package let parameterCount: Int
  /// Largest resident size of the process during the work, ceiling excluded.
  package let peakMemoryMiB: Double?

  enum CodingKeys: String, CodingKey {
    case tokensPerSecond = "tokens_per_second"
    case flopsPerToken = "flops_per_token"
    case flopsPerSecond = "flops_per_second"
    case ceilingFLOPsPerSecond = "ceiling_flops_per_second"
    case shareOfCeiling = "share_of_ceiling"
    case seconds, repetitions
    case parameterCount = "parameter_count"
    case peakMemoryMiB = "peak_memory_mib"
  }

  /// `tokens` a repetition, each worth `flopsPerToken`, timed by `timing`; measures the ceiling
  /// last.
  ///
  /// Throws `LabError` when memory is short.
  package init(
    tokens: Int, flopsPerToken: Double, timing: Timing, parameterCount: Int, precision: Precision,
    workers: Int, ceilingSeconds: Double
  ) throws {
    peakMemoryMiB = ProcessMemory.peakMiB
    seconds = timing.median
    repetitions = timing.seconds.count
    tokensPerSecond = Double(tokens) / timing.median
    self.flopsPerToken = flopsPerToken
    flopsPerSecond = tokensPerSecond * flopsPerToken
    self.parameterCount = parameterCount
    ceilingFLOPsPerSecond = try ProductCeiling.measure(
      precision, workers: workers, seconds: ceilingSeconds
    ).flopsPerSecond
    shareOfCeiling = flopsPerSecond / ceilingFLOPsPerSecond
  }

  /// Of several measurements of the same work the median one by tokens a second.
  package static func median(of speeds: [ModelSpeed]) -> ModelSpeed? {
    guard !speeds.isEmpty else { return nil }
    return speeds.sorted { $0.tokensPerSecond < $1.tokensPerSecond }[speeds.count / 2]
  }
}
