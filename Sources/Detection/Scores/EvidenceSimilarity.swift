import Foundation

/// Scores that weigh how alike completions are. Two that name one object are alike, others are not,
/// so that matrices of similarity fall into a block a cluster.
extension QueryEvidence {
  /// Von Neumann entropy in nats of the heat kernel exp(-t L), t = 0.3, of the completions' graph
  /// (arXiv 2405.20003).
  ///
  /// A cluster of n completions is a complete graph, whose Laplacian L has the eigenvalue 0 once
  /// and n for the rest; the kernel is divided by its diagonal and by the number of completions, so
  /// that its trace is 1.
  package var kernelEntropy: Double {
    let total = Double(count)
    return clusters.reduce(0) { sum, cluster in
      let size = Double(cluster.count)
      let rest = exp(-0.3 * size)
      let diagonal = (1 + (size - 1) * rest) / size
      func term(_ eigenvalue: Double) -> Double {
        let share = eigenvalue / (diagonal * total)
        return -share * log(share)
      }
      return sum + term(1) + (size - 1) * term(rest)
    }
  }

  /// Mean of -log(p + r / t), t = 0.001, with p the probability of a completion and r that of the
  /// others that name the same (arXiv 2307.01379, shifting attention to relevance).
  ///
  /// `perToken` takes for p the geometric mean over the tokens: all tokens of a name are equally
  /// relevant, since without any of them it is another name. Sentences alone are weighed otherwise.
  package func relevanceEntropy(perToken: Bool) -> Double {
    func probability(_ text: Text) -> Double {
      exp(text.logProbability / (perToken ? Double(text.tokens.count + 1) : 1))
    }
    var sums: [[UInt8]: Double] = [:]
    for text in texts { sums[Self.key(text), default: 0] += Double(text.count) * probability(text) }
    return texts.reduce(0) { sum, text in
      let own = probability(text)
      let others = max(0, (sums[Self.key(text)] ?? own) - own)
      return sum - Double(text.count) * log(max(own + others / 0.001, 1e-300))
    } / Double(count)
  }

  /// 1 - the mean ROUGE-L of two completions, by their tokens (arXiv 2305.19187).
  package var lexicalDissimilarity: Double {
    let total = Double(count)
    guard total > 1 else { return 0 }
    var sum = 0.0
    for (index, text) in texts.enumerated() {
      sum += Double(text.count * (text.count - 1)) / 2
      for other in texts[..<index] {
        sum += Double(text.count * other.count) * Self.rougeL(text.tokens, other.tokens)
      }
    }
    return 1 - sum / (total * (total - 1) / 2)
  }

  /// Twice the longest common subsequence over the tokens of both.
  private static func rougeL(_ a: [Int32], _ b: [Int32]) -> Double {
    guard a.count + b.count > 0 else { return 1 }
    // Longest common subsequences of the tokens of `a` so far with each beginning of `b`.
    var lengths = [Int](repeating: 0, count: b.count + 1)
    for token in a {
      var diagonal = 0
      for (place, other) in b.enumerated() {
        let above = lengths[place + 1]
        lengths[place + 1] = token == other ? diagonal + 1 : max(above, lengths[place])
        diagonal = above
      }
    }
    return 2 * Double(lengths[b.count]) / Double(a.count + b.count)
  }
}
