import LabCore

/// How a mean differs between two measurements of the same units.
package struct PairedDifference: Hashable, Sendable, Codable {
  package let first: Double
  package let second: Double
  /// Second minus first, with its interval.
  package let difference: Estimate
  /// Two-sided: how often resamples fall on the other side of zero, doubled; never below 2 /
  /// (replicates + 1).
  package let probability: Double?
}

extension Bootstrap {
  /// The difference of two ratios over the same clusters, which are resampled together.
  ///
  /// Cluster i of both is the same unit, such as a subject asked of two models: what it has in
  /// common cancels. The interval is between percentiles. Nil where a denominator is zero.
  package func difference(
    _ first: [ClusterSum], _ second: [ClusterSum], stream name: String
  ) -> PairedDifference? {
    precondition(first.count == second.count, "pairs need as many clusters on both sides")
    guard let one = Self.ratio(first), let two = Self.ratio(second) else { return nil }
    var values: [Double] = []
    if first.count > 1 {
      var stream = seed.stream("bootstrap/\(name)")
      values = (0..<replicates).map { _ in
        let drawn = Self.draw(first.count, &stream)
        guard let one = Self.ratio(first, drawn), let two = Self.ratio(second, drawn) else {
          return .nan
        }
        return two - one
      }
    }
    return PairedDifference(
      first: one, second: two,
      difference: Estimate(
        value: two - one, interval: percentiles(of: values), count: first.count),
      probability: Self.probability(of: values))
  }

  /// (1 + how many lie on the rarer side of zero) / (1 + how many there are), doubled; zeros count
  /// on both.
  private static func probability(of values: [Double]) -> Double? {
    let defined = values.filter { !$0.isNaN }
    guard !defined.isEmpty else { return nil }
    let below = defined.count { $0 <= 0 }
    let above = defined.count { $0 >= 0 }
    return min(1, 2 * Double(1 + min(below, above)) / Double(1 + defined.count))
  }
}
