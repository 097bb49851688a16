import Numerics

/// Two yes-no judgements of the same units, held against each other (McNemar 1947).
///
/// Only the units on which the two differ say anything of their difference: under the hypothesis
/// that both are equally often right, each such unit falls on either side with probability one
/// half.
package struct McNemar: Hashable, Sendable, Codable {
  package let bothCount: Int
  package let onlyFirstCount: Int
  package let onlySecondCount: Int
  package let neitherCount: Int

  /// Counts of units on which both, only the first, only the second and neither is right.
  package init(both: Int, onlyFirst: Int, onlySecond: Int, neither: Int) {
    precondition(min(both, onlyFirst, onlySecond, neither) >= 0, "counts must not be negative")
    bothCount = both
    onlyFirstCount = onlyFirst
    onlySecondCount = onlySecond
    neitherCount = neither
  }

  /// The table of paired judgements, `true` for right.
  package init(_ pairs: some Sequence<(Bool, Bool)>) {
    var counts = [0, 0, 0, 0]
    for (first, second) in pairs { counts[(first ? 0 : 2) + (second ? 0 : 1)] += 1 }
    self.init(both: counts[0], onlyFirst: counts[1], onlySecond: counts[2], neither: counts[3])
  }

  package var count: Int { bothCount + onlyFirstCount + onlySecondCount + neitherCount }

  /// Units on which the two differ.
  package var discordantCount: Int { onlyFirstCount + onlySecondCount }

  /// The two-sided exact binomial probability of so uneven a split; 1 where nothing differs.
  package var exactProbability: Double {
    let tail = Binomial.cumulative(smaller, trials: discordantCount)
    return min(1, 2 * tail)
  }

  /// The two-sided mid-p value: the split itself counts half (Lancaster 1961).
  ///
  /// Close to its nominal level where the exact test is conservative (Fagerland, Lydersen & Laake
  /// 2013).
  package var midProbability: Double {
    let point = Binomial.probability(smaller, trials: discordantCount)
    let tail = Binomial.cumulative(smaller, trials: discordantCount)
    return min(1, 2 * tail - point)
  }

  private var smaller: Int { min(onlyFirstCount, onlySecondCount) }

  enum CodingKeys: String, CodingKey {
    case bothCount = "both"
    case onlyFirstCount = "only_first"
    case onlySecondCount = "only_second"
    case neitherCount = "neither"
  }
}

/// The number of heads among fair coins.
enum Binomial {
  /// The probability of exactly `successes` heads.
  static func probability(_ successes: Int, trials: Int) -> Double {
    Double.exp(logChoose(trials, successes) - Double(trials) * Double.log(2))
  }

  /// The probability of at most `successes` heads.
  static func cumulative(_ successes: Int, trials: Int) -> Double {
    // Relative to the largest term, so that thousands of coins do not underflow.
    var term = 1.0
    var sum = 1.0
    var below = successes
    while below > 0 {
      term *= Double(below) / Double(trials - below + 1)
      guard term > 1e-18 * sum else { break }
      sum += term
      below -= 1
    }
    return min(1, probability(successes, trials: trials) * sum)
  }

  private static func logChoose(_ n: Int, _ k: Int) -> Double {
    Double.logGamma(Double(n + 1)) - Double.logGamma(Double(k + 1))
      - Double.logGamma(Double(n - k + 1))
  }
}
