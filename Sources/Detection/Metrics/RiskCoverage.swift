import Foundation

/// Areas under the risk-coverage curve: answers are kept in rising order of score.
///
/// The risk at coverage k / n is the share of hallucinations among the k answers of lowest score.
/// Equal scores are in random order, and the area is the expected one; a weight counts as so many
/// copies.
enum RiskCoverage {
  /// The expected sum of the risks while the answers of one score join those kept before.
  ///
  /// The j-th of them meets keptPositive + j * tiePositive / tie hallucinations among kept + j
  /// answers.
  static func summedRisk(
    keptPositive: Double, kept: Double, tiePositive: Double, tie: Double
  ) -> Double {
    let share = tiePositive / tie
    // The slack is what sums of weights that are no whole numbers lose.
    let kept = max(0, kept)
    let excess = keptPositive - share * kept
    return tie * share + excess * harmonicDifference(from: kept, by: tie)
  }

  /// (random - area) / (random - oracle): 1 where all hallucinations rank above all others, 0 for
  /// chance.
  ///
  /// Random rejection has the prevalence at every coverage; the oracle rejects all hallucinations
  /// first.
  static func prr(aurc: Double, positive: Double, negative: Double) -> Double {
    let count = positive + negative
    let random = positive / count
    let oracle =
      summedRisk(
        keptPositive: 0, kept: negative, tiePositive: positive, tie: positive) / count
    return (random - aurc) / (random - oracle)
  }

  /// The sum of 1 / (n + j) over j = 1 to m, continued to numbers that are not whole.
  static func harmonicDifference(from n: Double, by m: Double) -> Double {
    if m == 1 { return 1 / (n + 1) }
    if m == m.rounded(), m <= 8 {
      var sum = 0.0
      for j in 1..<Int(m) + 1 { sum += 1 / (n + Double(j)) }
      return sum
    }
    return digamma(n + m + 1) - digamma(n + 1)
  }

  /// The logarithmic derivative of the gamma function, for arguments of at least 1.
  private static func digamma(_ argument: Double) -> Double {
    var x = argument
    var sum = 0.0
    while x < 10 {
      sum -= 1 / x
      x += 1
    }
    let square = 1 / (x * x)
    let series =
      square
      * (1.0 / 12 - square
        * (1.0 / 120 - square * (1.0 / 252 - square * (1.0 / 240 - square / 132))))
    return sum + log(x) - 0.5 / x - series
  }
}
