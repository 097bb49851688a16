package import Evaluation

/// Training-free scores of a whole answer; higher = more likely hallucinated.
package enum SentenceScore: String, CaseIterable, Sendable {
  /// -log p of everything drawn, in nats, the token that ended the answer included.
  case sequenceLogProbability = "sequence-log-probability"
  /// The same for each token drawn; a monotone function of perplexity.
  case perplexity
  /// Mean entropy of the next-token distribution where tokens and the end were predicted.
  case meanEntropy = "mean-entropy"
  case maximumEntropy = "maximum-entropy"
  /// 1 - largest probability where the first token was predicted.
  case firstTokenProbability = "first-token-probability"
  /// Mean of 1 - largest probability where tokens and the end were predicted.
  case meanTokenProbability = "mean-token-probability"

  /// The score of an answer whose reading is `reading`.
  package func value(_ answer: SampledAnswer, _ reading: AnswerReading) -> Double {
    let entropies = reading.entropies.map(Double.init)
    let doubts = reading.maximumProbabilities.map { 1 - Double($0) }
    let count = Double(entropies.count)
    return switch self {
    case .sequenceLogProbability: -answer.logProbability
    case .perplexity: -answer.logProbability / count
    case .meanEntropy: entropies.reduce(0, +) / count
    case .maximumEntropy: entropies.max() ?? 0
    case .firstTokenProbability: doubts.first ?? 0
    case .meanTokenProbability: doubts.reduce(0, +) / count
    }
  }
}

/// Training-free scores of one token of an answer; higher = more likely hallucinated.
package enum TokenScore: String, CaseIterable, Sendable {
  /// -log p of the token, in nats.
  case logProbability = "token-log-probability"
  /// Entropy of the distribution the token was drawn from.
  case entropy = "token-entropy"
  /// 1 - largest probability of that distribution.
  case maximumProbability = "token-maximum-probability"
  /// The token's place in the answer: the baseline to beat.
  case position = "token-position"

  var kind: DetectorKind { self == .position ? .baseline : .score }

  /// The score of the token at a place from 0.
  package func value(_ reading: AnswerReading, token: Int) -> Double {
    switch self {
    case .logProbability: -Double(reading.logProbabilities[token])
    case .entropy: Double(reading.entropies[token])
    case .maximumProbability: 1 - Double(reading.maximumProbabilities[token])
    case .position: Double(token)
    }
  }
}
