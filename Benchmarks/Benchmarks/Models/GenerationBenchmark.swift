package import Compute
import LabCore
package import LanguageModel

/// Time of greedy generation with a key-value cache, random prompts, nothing that stops early.
package struct GenerationBenchmark {
  private let configuration: ModelConfiguration
  private let prompts: [[Int32]]
  private let newTokens: Int
  private let batch: Int
  private let precision: Precision
  private let workers: Int

  /// `prompts` prompts of `promptLength` tokens, `newTokens` new ones each.
  ///
  /// Workers take the prompts in batches of `batch`, by default an equal share for each. The
  /// context of `configuration` must hold prompt and new tokens.
  package init(
    _ configuration: ModelConfiguration, prompts: Int, promptLength: Int, newTokens: Int,
    batch: Int? = nil, precision: Precision, workers: Int
  ) {
    var stream = Seed(0).stream("benchmark")
    self.configuration = configuration
    self.prompts = (0..<prompts).map { _ in
      (0..<promptLength).map { _ in Int32(stream.below(configuration.vocabularySize)) }
    }
    self.newTokens = newTokens
    self.batch = batch ?? (prompts + workers - 1) / workers
    self.precision = precision
    self.workers = workers
  }

  /// The median over the generations done in `seconds`, at least three, after three to warm up.
  ///
  /// Throws `LabError` when memory is short.
  package func run(seconds: Double) throws -> ModelSpeed {
    ProcessMemory.resetPeak()
    let model = try LanguageModel(
      configuration, seed: Seed(0), precision: precision, on: .cpu)
    let pool = try WorkerPool(workerCount: workers)
    let promptLength = prompts.first?.count ?? 0
    let sessions = try (0..<workers).map { _ in
      try InferenceSession(
        model, maximumTokens: max(1_024, batch * promptLength))
    }
    let timing = try Timing.collect(for: seconds, warmUps: 3) {
      try generate(in: sessions, on: pool)
    }
    let flops = configuration.generationFLOPs(promptLength: promptLength, newTokens: newTokens)
    return try ModelSpeed(
      tokens: prompts.count * newTokens, flopsPerToken: flops / Double(newTokens), timing: timing,
      parameterCount: model.layout.count, precision: precision, workers: workers,
      ceilingSeconds: min(0.5, seconds))
  }

  /// Seconds of one generation of all prompts.
  private func generate(in sessions: [InferenceSession], on pool: WorkerPool) throws -> Double {
    let plans = [SamplePlan(samples: 1, inverseTemperature: .infinity)]
    let limits = GenerationLimits(
      maximumNewTokens: newTokens, endToken: -1, stopTokens: 0..<0)
    let starts = Array(stride(from: 0, to: prompts.count, by: batch))
    var written = 0
    let seconds = try Timing.seconds {
      written = try pool.map(pieces: starts.count) { worker, piece in
        let part = prompts[starts[piece]..<min(starts[piece] + batch, prompts.count)]
        let drawn = try sessions[worker].generate(
          prompts: Array(part), plans: plans, limits: limits, uniform: { _, _, _, _ in 0 })
        return drawn.reduce(0) { $0 + $1[0][0].tokens.count }
      }.reduce(0, +)
    }
    precondition(written == prompts.count * newTokens, "\(written) tokens were written")
    return seconds
  }
}
