package import Evaluation
import Foundation

/// Further completions of one query at temperature 1, which were drawn independently of the answers
/// judged.
///
/// Completions that name the same object are one cluster: meaning is exact in a graph, so no
/// entailment model is needed.
package struct QueryEvidence: Codable, Hashable, Sendable {
  /// One of the different texts among the completions.
  package struct Text: Codable, Hashable, Sendable {
    package let tokens: [Int32]
    /// The name it spells; nil where it is malformed, which is a cluster of its own.
    package let name: String?
    /// How often it was drawn.
    package internal(set) var count: Int
    /// In nats, the token that ended it included.
    package let logProbability: Double

    enum CodingKeys: String, CodingKey {
      case tokens, name, count
      case logProbability = "log_probability"
    }
  }

  /// Index in `KnowledgeGraph.queries`.
  package let query: Int
  /// In order of their first draw.
  package let texts: [Text]

  /// Groups completions by their tokens.
  package init(query: Int, completions: [SampledAnswer]) {
    self.query = query
    var texts: [Text] = []
    for completion in completions {
      let name = completion.ended ? completion.text : nil
      if let place = texts.firstIndex(where: { $0.tokens == completion.tokens && $0.name == name })
      {
        texts[place].count += 1
      } else {
        texts.append(
          Text(
            tokens: completion.tokens, name: name, count: 1,
            logProbability: completion.logProbability))
      }
    }
    self.texts = texts
  }

  /// Completions drawn.
  package var count: Int { texts.reduce(0) { $0 + $1.count } }

  // MARK: Clusters

  /// What names one object, or one malformed text.
  struct Cluster {
    let key: [UInt8]
    var count: Int
    /// Of its different texts together.
    var probability: Double
  }

  var clusters: [Cluster] {
    var clusters: [Cluster] = []
    for text in texts {
      let key = Self.key(text)
      if let place = clusters.firstIndex(where: { $0.key == key }) {
        clusters[place].count += text.count
        clusters[place].probability += exp(text.logProbability)
      } else {
        clusters.append(
          Cluster(key: key, count: text.count, probability: exp(text.logProbability)))
      }
    }
    return clusters
  }

  static func key(_ text: Text) -> [UInt8] {
    guard let name = text.name else {
      return [0]
        + text.tokens.flatMap { withoutSign in
          (0..<4).map { UInt8(truncatingIfNeeded: withoutSign >> (8 * $0)) }
        }
    }
    return [1] + Array(name.utf8)
  }

  /// Different objects named.
  package var distinctCount: Int { clusters.count }

  /// Entropy in nats of the clusters' shares of the completions.
  package var clusterEntropy: Double {
    let total = Double(count)
    return clusters.reduce(0) {
      let share = Double($1.count) / total
      return $0 - share * log(share)
    }
  }

  /// Entropy in nats of the clusters' shares of the probability of all different texts drawn (arXiv
  /// 2302.09664).
  package var semanticEntropy: Double {
    let clusters = clusters
    let total = clusters.reduce(0) { $0 + $1.probability }
    guard total > 0 else { return clusterEntropy }
    return clusters.reduce(0) {
      let share = $1.probability / total
      return share > 0 ? $0 - share * log(share) : $0
    }
  }

  /// -log p of a completion, on average, in nats.
  package var sequenceEntropy: Double {
    -texts.reduce(0) { $0 + Double($1.count) * $1.logProbability } / Double(count)
  }

  /// The same for each token, the one that ended it included.
  package var tokenEntropy: Double {
    -texts.reduce(0) {
      $0 + Double($1.count) * $1.logProbability / Double($1.tokens.count + 1)
    } / Double(count)
  }

  /// 1 - the sum of squared shares of the clusters: the chance that two completions disagree.
  package var disagreement: Double {
    let total = Double(count)
    return 1 - clusters.reduce(0) { $0 + Double($1.count * $1.count) } / (total * total)
  }

  /// 1 - the share of the completions that name what an answer names.
  package func contradiction(_ answer: SampledAnswer) -> Double {
    let key = Self.key(
      Text(
        tokens: answer.tokens, name: answer.ended ? answer.text : nil, count: 1, logProbability: 0))
    let same = texts.reduce(0) { Self.key($1) == key ? $0 + $1.count : $0 }
    return 1 - Double(same) / Double(count)
  }
}
