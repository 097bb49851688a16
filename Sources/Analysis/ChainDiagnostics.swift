import Foundation

/// What several chains of one quantity say of how well they have mixed.
package enum ChainDiagnostics {
  /// Split R-hat: each chain is halved, and the spread between halves is held to that within.
  ///
  /// As in Gelman and others, Bayesian Data Analysis, 2013, section 11.4. Chains of equal length;
  /// nil for fewer than four values a chain, or where nothing varies.
  package static func splitRHat(_ chains: [[Double]]) -> Double? {
    let half = (chains.first?.count ?? 0) / 2
    guard half > 1 else { return nil }
    let parts = chains.flatMap { [Array($0.prefix(half)), Array($0.suffix(half))] }
    guard let moments = moments(parts), moments.within > 0 else { return nil }
    return (moments.total / moments.within).squareRoot()
  }

  /// The larger of two split R-hats: of the values' ranks, and of those of their distances from the
  /// median.
  ///
  /// Ranks among all draws become normal scores, so that neither heavy tails nor chains of one mean
  /// and different spreads are passed over (Vehtari and others, arXiv 1903.08008, section 4). Nil
  /// as for `splitRHat`.
  package static func rankedSplitRHat(_ chains: [[Double]]) -> Double? {
    guard let median = Mean.quantile(0.5, ofSorted: chains.flatMap(\.self).sorted()) else {
      return nil
    }
    let distances = chains.map { $0.map { abs($0 - median) } }
    return [chains, distances].compactMap { splitRHat(normalScores($0)) }.max()
  }

  private static func normalScores(_ chains: [[Double]]) -> [[Double]] {
    let ranks = RankCorrelation.ranks(chains.flatMap(\.self))
    let scores = ranks.map { Normal.quantile(($0 + 0.625) / (Double(ranks.count) + 0.25)) }
    var start = 0
    return chains.map { chain in
      defer { start += chain.count }
      return Array(scores[start..<(start + chain.count)])
    }
  }

  /// The effective number of independent draws in all chains.
  ///
  /// By Geyer's initial monotone sequence over the correlations of all chains (arXiv 1903.08008,
  /// section 3.2), at most the number of draws times its logarithm to base 10.
  package static func effectiveCount(_ chains: [[Double]]) -> Double? {
    let length = chains.first?.count ?? 0
    guard length > 3, let moments = moments(chains), moments.total > 0 else { return nil }
    let centred = chains.map { chain in
      let mean = chain.reduce(0, +) / Double(length)
      return chain.map { $0 - mean }
    }
    /// The correlation at a lag, over all chains.
    func correlation(_ lag: Int) -> Double {
      var sum = 0.0
      for chain in centred {
        for place in 0..<(length - lag) { sum += chain[place] * chain[place + lag] }
      }
      let covariance = sum / Double(length * chains.count)
      return 1 - (moments.within - covariance) / moments.total
    }
    var (sum, previous) = (0.0, Double.infinity)
    var lag = 0
    while lag + 1 < length {
      let pair = correlation(lag) + correlation(lag + 1)
      guard pair > 0 else { break }
      previous = min(previous, pair)
      sum += previous
      lag += 2
    }
    let draws = Double(length * chains.count)
    let time = max(2 * sum - 1, 1 / log10(draws))
    return draws / time
  }

  /// The mean variance within chains, and the variance that they estimate together.
  private static func moments(_ chains: [[Double]]) -> (within: Double, total: Double)? {
    guard let length = chains.first?.count, length > 1 else { return nil }
    let means = chains.compactMap(Mean.of)
    let within =
      chains.compactMap(Mean.standardDeviation).reduce(0) { $0 + $1 * $1 } / Double(chains.count)
    let between = Mean.standardDeviation(means).map { $0 * $0 } ?? 0
    return (within, within * Double(length - 1) / Double(length) + between)
  }
}
