package import LabCore

/// What one cluster adds to a ratio: for a rate, hallucinated and asked.
///
/// A cluster is the unit that varies independently, such as a subject with its queries.
package struct ClusterSum: Hashable, Sendable, Codable {
  package var numerator: Double
  package var denominator: Double

  package init(_ numerator: Double, over denominator: Double) {
    self.numerator = numerator
    self.denominator = denominator
  }
}

/// Percentile intervals by resampling whole units with replacement (Efron 1979).
///
/// Every interval draws from a stream of its own name, so the same seed gives the same numbers in
/// any order of calls.
package struct Bootstrap: Sendable {
  package var seed: Seed
  package var replicates: Int
  package var confidence: Double

  /// A replicate's statistic may be undefined (AUROC without positives); more than this share of
  /// such replicates and there is no interval.
  private static let toleratedUndefinedShare = 0.05

  package init(seed: Seed, replicates: Int = 1000, confidence: Double = 0.95) {
    precondition(replicates > 0, "a bootstrap needs at least one replicate")
    precondition(confidence > 0 && confidence < 1, "a confidence must lie in (0, 1)")
    self.seed = seed
    self.replicates = replicates
    self.confidence = confidence
  }

  /// The interval of any statistic of `count` units.
  ///
  /// `statistic` receives how often each unit was drawn (they sum to `count`) and returns NaN where
  /// it is undefined. Nil for fewer than two units, or where the statistic is mostly undefined.
  package func interval(
    unitCount count: Int, stream name: String, _ statistic: (_ multiplicities: [Int]) -> Double
  ) -> Interval? {
    guard count > 1 else { return nil }
    var stream = seed.stream("bootstrap/\(name)")
    let values = (0..<replicates).map { _ in statistic(Self.draw(count, &stream)) }
    return percentiles(of: values)
  }

  /// The mean of `values` with the interval over its units; nil without values.
  package func mean(_ values: [Double], stream name: String) -> Estimate? {
    ratio(values.map { ClusterSum($0, over: 1) }, stream: name)
  }

  /// The mean of `values` under `weights`, units resampled with their weights; nil without weight.
  package func mean(
    _ values: [Double], weights: [Double], stream name: String
  ) -> Estimate? {
    precondition(values.count == weights.count, "each value needs one weight")
    return ratio(zip(values, weights).map { ClusterSum($0 * $1, over: $1) }, stream: name)
  }

  /// Sum of numerators over sum of denominators, whole clusters resampled; nil without denominator.
  package func ratio(_ clusters: [ClusterSum], stream name: String) -> Estimate? {
    guard let value = Self.ratio(clusters) else { return nil }
    let interval = interval(unitCount: clusters.count, stream: name) { multiplicities in
      Self.ratio(clusters, multiplicities) ?? .nan
    }
    return Estimate(value: value, interval: interval, count: clusters.count)
  }

  /// The interval between the two percentiles that leave out `1 - confidence` in equal parts.
  package func percentiles(of values: [Double]) -> Interval? {
    let defined = values.filter { !$0.isNaN }.sorted()
    let undefinedCount = values.count - defined.count
    guard Double(undefinedCount) <= Self.toleratedUndefinedShare * Double(values.count),
      let low = Mean.quantile((1 - confidence) / 2, ofSorted: defined),
      let high = Mean.quantile((1 + confidence) / 2, ofSorted: defined)
    else { return nil }
    return Interval(low: low, high: high, confidence: confidence)
  }

  /// How often each of `count` units is drawn when `count` are drawn with replacement.
  static func draw(_ count: Int, _ stream: inout RandomStream) -> [Int] {
    var multiplicities = [Int](repeating: 0, count: count)
    for _ in 0..<count { multiplicities[stream.below(count)] += 1 }
    return multiplicities
  }

  static func ratio(_ clusters: [ClusterSum]) -> Double? {
    let denominator = Mean.sum(clusters.lazy.map(\.denominator))
    return denominator > 0 ? Mean.sum(clusters.lazy.map(\.numerator)) / denominator : nil
  }

  static func ratio(_ clusters: [ClusterSum], _ multiplicities: [Int]) -> Double? {
    var (numerator, denominator) = (0.0, 0.0)
    for (cluster, multiplicity) in zip(clusters, multiplicities) where multiplicity > 0 {
      numerator += cluster.numerator * Double(multiplicity)
      denominator += cluster.denominator * Double(multiplicity)
    }
    return denominator > 0 ? numerator / denominator : nil
  }
}
