import Compute
import LabCore
package import LanguageModel
import Synchronization

/// Time of exact scoring beside forward passes over the same queries.
package struct ScoringSpeed: Codable, Hashable, Sendable {
  /// Median seconds of one forward pass over every prompt with its first answer, with logits at
  /// every token.
  package let forwardSeconds: Double
  /// Median seconds of one forward pass over every prompt with each of its answers, with logits at
  /// every token.
  package let textsSeconds: Double
  /// Median seconds of scoring every answer.
  package let scoringSeconds: Double
  /// Tokens of the first forward pass, a second.
  package let forwardTokensPerSecond: Double
  /// The same tokens over the seconds of scoring.
  package let scoringTokensPerSecond: Double
  /// Queries scored, a second.
  package let queriesPerSecond: Double
  /// Scoring over the first forward pass, the median of the rounds' ratios.
  package let ratio: Double
  /// The same over the second.
  package let textsRatio: Double
  /// Median seconds of drawing the samples of every query.
  package let samplingSeconds: Double
  /// Tokens drawn, a second, those that samples share counted for each.
  package let sampledTokensPerSecond: Double
  package let repetitions: Int
  package let peakMemoryMiB: Double?

  enum CodingKeys: String, CodingKey {
    case ratio, repetitions
    case forwardSeconds = "forward_seconds"
    case textsSeconds = "texts_seconds"
    case scoringSeconds = "scoring_seconds"
    case forwardTokensPerSecond = "forward_tokens_per_second"
    case scoringTokensPerSecond = "scoring_tokens_per_second"
    case queriesPerSecond = "queries_per_second"
    case textsRatio = "texts_ratio"
    case samplingSeconds = "sampling_seconds"
    case sampledTokensPerSecond = "sampled_tokens_per_second"
    case peakMemoryMiB = "peak_memory_mib"
  }
}

/// Exact scoring and sampling of queries, which workers share.
package struct ScoringBenchmark {
  private let items: [PromptedCompletions]
  private let samples: Int
  private let limits: GenerationLimits
  private let sessions: [InferenceSession]
  private let pool: WorkerPool
  /// Queries that a worker takes at a time.
  private let share: Int

  /// `samples` completions of each query, within `limits`; the context of `model` must hold them.
  ///
  /// Throws `LabError` when memory is short.
  package init(
    _ model: LanguageModel, _ items: [PromptedCompletions], samples: Int, limits: GenerationLimits,
    workers: Int
  ) throws {
    self.items = items
    self.samples = samples
    self.limits = limits
    pool = try WorkerPool(workerCount: workers)
    sessions = try (0..<workers).map { _ in
      try InferenceSession(model, maximumTokens: max(1_024, model.configuration.contextLength))
    }
    share = max(1, (items.count + workers - 1) / workers)
  }

  /// Random queries: prompts of `promptLength` tokens with `answers` answers on average, of
  /// `answerLength` tokens each, the end included.
  package static func randomQueries(
    _ count: Int, vocabulary: Int, promptLength: Int, answers: Double, answerLength: Int
  ) -> [PromptedCompletions] {
    var stream = Seed(0).stream("benchmark")
    func tokens(_ count: Int) -> [Int32] {
      (0..<count).map { _ in Int32(stream.below(vocabulary)) }
    }
    return (0..<count).map { index in
      let own = Int(Double(index + 1) * answers) - Int(Double(index) * answers)
      return PromptedCompletions(
        prompt: tokens(promptLength), completions: (0..<own).map { _ in tokens(answerLength) })
    }
  }

  /// Log-probabilities of all answers, by query.
  package func logProbabilities() throws -> [[Double]] {
    try sessions[0].completionLogProbabilities(items).map { $0.map { $0[0] } }
  }

  /// Forward passes, scoring and sampling in turns for about `seconds`, at least three rounds.
  ///
  /// Throws `LabError` when memory is short.
  package func run(seconds: Double) throws -> ScoringSpeed {
    ProcessMemory.resetPeak()
    var rounds: [Round] = []
    var drawn = 0
    let first = forwardBatches { Array($0.completions.prefix(1)) }
    let all = forwardBatches(\.completions)
    _ = try Timing.collect(for: seconds, warmUps: 1) {
      var round = Round()
      round.forward = try timed(first.count) { session, batch in forward(first[batch], session) }
      round.texts = try timed(all.count) { session, batch in forward(all[batch], session) }
      let parts = (items.count + share - 1) / share
      round.scoring = try timed(parts) { session, part in
        _ = try session.completionLogProbabilities(items(of: part))
      }
      let tokens = Mutex(0)
      round.sampling = try timed(parts) { session, part in
        let count = try sample(items(of: part), session)
        tokens.withLock { $0 += count }
      }
      drawn = tokens.withLock { $0 }
      rounds.append(round)
      return round.forward + round.texts + round.scoring + round.sampling
    }
    // The first round warmed everything up.
    rounds.removeFirst()
    func median(_ value: (Round) -> Double) -> Double { Timing(seconds: rounds.map(value)).median }
    let tokens = Double(first.reduce(0) { $0 + $1.tokens.count })
    return ScoringSpeed(
      forwardSeconds: median(\.forward), textsSeconds: median(\.texts),
      scoringSeconds: median(\.scoring), forwardTokensPerSecond: tokens / median(\.forward),
      scoringTokensPerSecond: tokens / median(\.scoring),
      queriesPerSecond: Double(items.count) / median(\.scoring),
      ratio: median { $0.scoring / $0.forward }, textsRatio: median { $0.scoring / $0.texts },
      samplingSeconds: median(\.sampling),
      sampledTokensPerSecond: Double(drawn) / median(\.sampling), repetitions: rounds.count,
      peakMemoryMiB: ProcessMemory.peakMiB)
  }

  /// Seconds of one round.
  private struct Round {
    var forward = 0.0
    var texts = 0.0
    var scoring = 0.0
    var sampling = 0.0
  }

  /// Seconds until the workers have done all pieces.
  private func timed(
    _ pieces: Int, _ body: (InferenceSession, _ piece: Int) throws -> Void
  ) throws -> Double {
    try Timing.seconds {
      _ = try pool.map(pieces: pieces) { worker, piece in try body(sessions[worker], piece) }
    }
  }

  private func items(of part: Int) -> [PromptedCompletions] {
    Array(items[part * share..<min((part + 1) * share, items.count)])
  }

  /// Whole texts back to back, the last token of each left out, in batches that fit into a session.
  private func forwardBatches(
    _ completions: (PromptedCompletions) -> [[Int32]]
  ) -> [TokenBatch] {
    var batches = [TokenBatch()]
    for item in items {
      for completion in completions(item) {
        let text = item.prompt + completion.dropLast()
        if batches[batches.count - 1].tokens.count + text.count > sessions[0].maximumTokens {
          batches.append(TokenBatch())
        }
        batches[batches.count - 1].append(tokens: text, targets: text)
      }
    }
    return batches
  }

  private func forward(_ batch: TokenBatch, _ session: InferenceSession) {
    session.computeLogits(of: batch)
  }

  /// Draws and returns how many tokens were drawn.
  private func sample(_ items: [PromptedCompletions], _ session: InferenceSession) throws -> Int {
    let plan = SamplePlan(samples: samples, inverseTemperature: 1)
    let drawn = try session.generate(
      prompts: items.map(\.prompt), plans: [plan], limits: limits
    ) { prompt, _, sample, step in
      let place = (prompt * samples + sample) * limits.maximumNewTokens + step
      return Float((place * 7_919) % 65_536) / 65_536
    }
    return drawn.joined().joined().reduce(0) { $0 + $1.tokens.count }
  }
}
