package import Evaluation
import Foundation

/// Training-free scores of a whole answer from one pass; higher = more likely hallucinated.
package enum SentenceScore: String, CaseIterable, Sendable {
  /// -log p of everything drawn, in nats, the token that ended the answer included.
  case sequenceLogProbability = "sequence-log-probability"
  /// The same for each token drawn; a monotone function of perplexity.
  case perplexity
  /// The largest -log p of a token drawn.
  case maximumSurprise = "maximum-token-surprise"
  /// Mean entropy of the next-token distribution where tokens and the end were predicted.
  case meanEntropy = "mean-entropy"
  case maximumEntropy = "maximum-entropy"
  /// 1 - largest probability where the first token was predicted.
  case firstTokenProbability = "first-token-probability"
  /// Minus the largest plus the second largest probability where the first token was predicted.
  case firstTokenMargin = "first-token-margin"
  /// Mean of 1 - largest probability where tokens and the end were predicted.
  case meanTokenProbability = "mean-token-probability"
  /// Minus the mean Renyi divergence to uniform, order 1/2, at temperature 2.
  case renyiDivergence = "renyi-divergence"
  /// Minus the mean Fisher-Rao distance to uniform, in 0...1, at temperature 2.
  case fisherRao = "fisher-rao"
  /// Minus the mean KL divergence of the uniform distribution from the model's.
  case selfCertainty = "self-certainty"

  /// The score of an answer whose reading is `reading`.
  package func value(_ answer: SampledAnswer, _ reading: FeatureColumns) -> Double {
    let count = Double(reading.entropies.count)
    func mean(_ values: [Float], _ map: (Double) -> Double = { $0 }) -> Double {
      values.reduce(0) { $0 + map(Double($1)) } / count
    }
    switch self {
    case .sequenceLogProbability: return -answer.logProbability
    case .perplexity: return -answer.logProbability / count
    case .maximumSurprise:
      let drawn = answer.ended ? reading.logProbabilities[...] : reading.logProbabilities.dropLast()
      return drawn.map { -Double($0) }.max() ?? 0
    case .meanEntropy: return mean(reading.entropies)
    case .maximumEntropy: return reading.entropies.map(Double.init).max() ?? 0
    case .firstTokenProbability: return 1 - Double(reading.maximumProbabilities.first ?? 1)
    case .firstTokenMargin: return -Double(reading.margins.first ?? 0)
    case .meanTokenProbability: return mean(reading.maximumProbabilities) { 1 - $0 }
    case .renyiDivergence: return mean(reading.affinities, DistanceToUniform.negatedRenyi)
    case .fisherRao: return mean(reading.affinities, DistanceToUniform.negatedFisherRao)
    case .selfCertainty: return -mean(reading.selfCertainties)
    }
  }
}

/// Distances of a distribution p to the uniform one, from a = log sum sqrt(p_v / V), negated.
enum DistanceToUniform {
  /// Minus the Renyi divergence of order 1/2, which is -2 a.
  static func negatedRenyi(_ affinity: Double) -> Double { 2 * affinity }

  /// Minus (2 / pi) arccos(exp(a)).
  static func negatedFisherRao(_ affinity: Double) -> Double {
    -2 / Double.pi * acos(min(1, exp(affinity)))
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
  /// Minus the largest plus the second largest probability of that distribution.
  case margin = "token-margin"
  /// Minus its Renyi divergence to uniform, order 1/2, at temperature 2.
  case renyiDivergence = "token-renyi-divergence"
  /// Minus its Fisher-Rao distance to uniform at temperature 2.
  case fisherRao = "token-fisher-rao"
  /// Minus the KL divergence of the uniform distribution from it.
  case selfCertainty = "token-self-certainty"
  /// The token's place in the answer: the baseline to beat.
  case position = "token-position"

  package var kind: DetectorKind { self == .position ? .baseline : .score }

  /// Whether it is defined before the token is known.
  package var isKnownBefore: Bool { self != .logProbability && self != .position }

  /// The score of the token at a place from 0.
  package func value(_ reading: FeatureColumns, token: Int) -> Double {
    switch self {
    case .logProbability: -Double(reading.logProbabilities[token])
    case .entropy: Double(reading.entropies[token])
    case .maximumProbability: 1 - Double(reading.maximumProbabilities[token])
    case .margin: -Double(reading.margins[token])
    case .renyiDivergence: DistanceToUniform.negatedRenyi(Double(reading.affinities[token]))
    case .fisherRao: DistanceToUniform.negatedFisherRao(Double(reading.affinities[token]))
    case .selfCertainty: -Double(reading.selfCertainties[token])
    case .position: Double(token)
    }
  }
}

/// Training-free scores of an answer that compare it with further completions of its query.
package enum ConsistencyScore: String, CaseIterable, Sendable {
  /// Entropy of the objects' shares of the probability of all different texts (arXiv 2302.09664).
  case semanticEntropy = "semantic-entropy"
  /// Entropy of the objects' shares of the completions.
  case clusterEntropy = "cluster-entropy"
  /// Mean -log p of a completion: Monte Carlo sequence entropy.
  case sequenceEntropy = "monte-carlo-entropy"
  /// The same for each token.
  case tokenEntropy = "monte-carlo-token-entropy"
  /// Different objects named; also the sum of eigenvalues of the completions' graph Laplacian.
  case distinctObjects = "distinct-objects"
  /// The chance that two completions differ: the degree score.
  case disagreement
  /// Von Neumann entropy of the completions' heat kernel (arXiv 2405.20003).
  case kernelEntropy = "kernel-language-entropy"
  /// Shifting attention to relevance (arXiv 2307.01379), of sentences alone and of tokens and
  /// sentences.
  case sentenceRelevance = "sentence-sar"
  case relevance = "sar"
  /// 1 - the mean ROUGE-L of two completions.
  case lexicalDissimilarity = "lexical-dissimilarity"
  /// The share of completions that name another object than the answer (as SelfCheckGPT asks).
  case contradiction

  /// The score of an answer in the light of its query's evidence.
  package func value(_ answer: SampledAnswer, _ evidence: QueryEvidence) -> Double {
    switch self {
    case .semanticEntropy: evidence.semanticEntropy
    case .clusterEntropy: evidence.clusterEntropy
    case .sequenceEntropy: evidence.sequenceEntropy
    case .tokenEntropy: evidence.tokenEntropy
    case .distinctObjects: Double(evidence.distinctCount)
    case .disagreement: evidence.disagreement
    case .kernelEntropy: evidence.kernelEntropy
    case .sentenceRelevance: evidence.relevanceEntropy(perToken: false)
    case .relevance: evidence.relevanceEntropy(perToken: true)
    case .lexicalDissimilarity: evidence.lexicalDissimilarity
    case .contradiction: evidence.contradiction(answer)
    }
  }
}
