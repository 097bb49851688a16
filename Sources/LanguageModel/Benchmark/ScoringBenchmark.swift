package import Compute
import LabCore

/// Time of exact scoring beside a forward pass over the same queries.
package struct ScoringSpeed: Codable, Hashable, Sendable {
  /// Median seconds of one forward pass over every prompt with its first answer, with logits at every token.
  package let forwardSeconds: Double
  /// Median seconds of scoring every answer.
  package let scoringSeconds: Double
  /// Tokens of the forward pass, a second.
  package let forwardTokensPerSecond: Double
  /// The same tokens over the seconds of scoring.
  package let scoringTokensPerSecond: Double
  /// Scoring over forward, the median of the rounds' ratios.
  package let ratio: Double
  /// Median seconds of drawing the samples of every query.
  package let samplingSeconds: Double
  /// Tokens drawn, a second, those that samples share counted for each.
  package let sampledTokensPerSecond: Double
  package let repetitions: Int

  enum CodingKeys: String, CodingKey {
    case ratio, repetitions
    case forwardSeconds = "forward_seconds"
    case scoringSeconds = "scoring_seconds"
    case forwardTokensPerSecond = "forward_tokens_per_second"
    case scoringTokensPerSecond = "scoring_tokens_per_second"
    case samplingSeconds = "sampling_seconds"
    case sampledTokensPerSecond = "sampled_tokens_per_second"
  }
}

/// Exact scoring and sampling of random queries by a random model, on one thread.
package struct ScoringBenchmark {
  private let configuration: ModelConfiguration
  private let items: [PromptedCompletions]
  private let answerLength: Int
  private let samples: Int
  private let precision: Precision

  /// `queries` prompts of `promptLength` tokens with `answers` answers of `answerLength` each, the end included.
  package init(
    _ configuration: ModelConfiguration, queries: Int, promptLength: Int, answers: Int,
    answerLength: Int, samples: Int, precision: Precision
  ) {
    var stream = Seed(0).stream("benchmark")
    func tokens(_ count: Int) -> [Int32] {
      (0..<count).map { _ in Int32(stream.below(configuration.vocabularySize)) }
    }
    self.configuration = configuration
    items = (0..<queries).map { _ in
      PromptedCompletions(
        prompt: tokens(promptLength), completions: (0..<answers).map { _ in tokens(answerLength) })
    }
    self.answerLength = answerLength
    self.samples = samples
    self.precision = precision
  }

  /// Forward pass, scoring and sampling in turns for about `seconds`, at least three rounds.
  ///
  /// Throws `LabError` when memory is short.
  package func run(seconds: Double) throws -> ScoringSpeed {
    let model = try LanguageModel(configuration, seed: Seed(0), precision: precision, on: .cpu)
    let session = try InferenceSession(model, maximumTokens: 1_024)
    var rounds: [(forward: Double, scoring: Double, sampling: Double)] = []
    var drawn = 0
    _ = try Timing.collect(for: seconds, warmUps: 1) {
      let forward = forwardSeconds(session)
      let scoring = try Timing.seconds { _ = try session.completionLogProbabilities(items) }
      let sampling = try Timing.seconds { drawn = try sample(session) }
      rounds.append((forward, scoring, sampling))
      return forward + scoring + sampling
    }
    // The first round warmed everything up.
    rounds.removeFirst()
    let tokens = items.reduce(0) { $0 + $1.prompt.count + answerLength - 1 }
    let forward = Timing(seconds: rounds.map(\.forward)).median
    let scoring = Timing(seconds: rounds.map(\.scoring)).median
    let sampling = Timing(seconds: rounds.map(\.sampling)).median
    return ScoringSpeed(
      forwardSeconds: forward, scoringSeconds: scoring,
      forwardTokensPerSecond: Double(tokens) / forward,
      scoringTokensPerSecond: Double(tokens) / scoring,
      ratio: Timing(seconds: rounds.map { $0.scoring / $0.forward }).median,
      samplingSeconds: sampling, sampledTokensPerSecond: Double(drawn) / sampling,
      repetitions: rounds.count)
  }

  private func forwardSeconds(_ session: InferenceSession) -> Double {
    let perBatch = max(1, session.maximumTokens / (items[0].prompt.count + answerLength - 1))
    var batches: [TokenBatch] = []
    for first in stride(from: 0, to: items.count, by: perBatch) {
      var batch = TokenBatch()
      for item in items[first..<min(first + perBatch, items.count)] {
        let text = item.prompt + item.completions[0].dropLast()
        batch.append(tokens: text, targets: text)
      }
      batches.append(batch)
    }
    return Timing.seconds {
      for batch in batches {
        let rows = session.run(batch)
        session.forEachLogitChunk(of: session.activations.outputNormed, rows: rows) { _, _ in }
      }
    }
  }

  /// Draws and returns how many tokens were drawn.
  private func sample(_ session: InferenceSession) throws -> Int {
    let plan = SamplePlan(samples: samples, inverseTemperature: 1)
    let limits = GenerationLimits(
      maximumNewTokens: answerLength, endToken: -1, stopTokens: 0..<0)
    let drawn = try session.generate(
      prompts: items.map(\.prompt), plans: [plan], limits: limits
    ) { prompt, _, sample, step in
      let place = (prompt * samples + sample) * answerLength + step
      return Float((place * 7_919) % 65_536) / 65_536
    }
    return drawn.joined().joined().reduce(0) { $0 + $1.tokens.count }
  }
}
