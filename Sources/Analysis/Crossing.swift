import Numerics

/// The size from which on a rate stays at or below a threshold.
package enum Crossing: Hashable, Sendable {
  /// Between two measured sizes, or exactly at one.
  case size(Double)
  /// Every measured size meets the threshold, so the answer is at most the smallest: its size.
  case atMost(Double)
  /// The largest measured size is above the threshold: nothing is extrapolated.
  case notReached

  /// Interpolates the rate linearly in the logarithm of size.
  ///
  /// `points` are (size, rate) with positive sizes in ascending order. Where the rate rises again
  /// above the threshold, the crossing after the last such size counts. Nil for no points.
  package static func find(
    threshold: Double, in points: [(size: Double, rate: Double)]
  ) -> Crossing? {
    precondition(
      zip(points, points.dropFirst()).allSatisfy { $0.size < $1.size }
        && points.allSatisfy { $0.size > 0 }, "sizes must be positive and ascend")
    guard let first = points.first else { return nil }
    guard let above = points.lastIndex(where: { !($0.rate <= threshold) }) else {
      return .atMost(first.size)
    }
    guard above + 1 < points.count else { return .notReached }
    let (last, next) = (points[above], points[above + 1])
    guard last.rate.isFinite, next.rate < threshold else { return .size(next.size) }
    let fraction = (last.rate - threshold) / (last.rate - next.rate)
    return .size(last.size * Double.exp(fraction * Double.log(next.size / last.size)))
  }

  /// "21300", "≤ 3120" or "not reached", numbers written by `number`.
  package func text(_ number: (Double) -> String) -> String {
    switch self {
    case .size(let size): number(size)
    case .atMost(let size): "≤ " + number(size)
    case .notReached: "not reached"
    }
  }
}

/// The size needed for a rate, with an interval over seeds.
package struct CrossingEstimate: Hashable, Sendable {
  package let crossing: Crossing
  /// The ends of the 95 % interval, each perhaps `atMost` or `notReached`; nil where no size has
  /// two seeds.
  package let low: Crossing?
  package let high: Crossing?

  /// The crossing of the mean rates at ascending sizes, each with the rates of its seeds; nil where
  /// a size has none.
  ///
  /// Its ends are where the ends of the means' intervals cross: mean logit ± t s / √n by
  /// `SeedSpread`.
  package init?(threshold: Double, in sizes: [(size: Double, rates: [Double])]) {
    let means = sizes.compactMap { entry in
      Mean.of(entry.rates).map { (size: entry.size, rate: $0) }
    }
    guard means.count == sizes.count, let crossing = Crossing.find(threshold: threshold, in: means)
    else { return nil }
    self.crossing = crossing
    guard let spread = SeedSpread(sizes.map(\.rates)) else {
      (low, high) = (nil, nil)
      return
    }
    let t = StudentT.quantile(0.975, degrees: Double(spread.degrees))
    let scale = ScalingForm.Scale.logit
    func end(_ sign: Double) -> Crossing? {
      let points = sizes.map { entry in
        let centre = Mean.of(entry.rates.map(scale.value)) ?? .nan
        let half = t * spread.standardError(of: entry.rates.count)
        return (size: entry.size, rate: scale.inverse(centre + sign * half))
      }
      return Crossing.find(threshold: threshold, in: points)
    }
    low = end(-1)
    high = end(1)
  }
}

/// How far rates of one size differ from seed to seed, in log odds, pooled over sizes so that two
/// seeds a size will do.
package struct SeedSpread: Hashable, Sendable {
  /// The deviation of one seed's log odds.
  package let deviation: Double
  package let degrees: Int

  /// Of the rates of the seeds of each size; nil where no size has two, or a rate of 0 or 1 has no
  /// log odds.
  package init?(_ rates: [[Double]]) {
    let logits = rates.map { $0.map(ScalingForm.Scale.logit.value) }.filter { !$0.isEmpty }
    degrees = logits.reduce(0) { $0 + $1.count - 1 }
    let squares = logits.flatMap { values in
      let mean = Mean.of(values) ?? 0
      return values.map { ($0 - mean) * ($0 - mean) }
    }
    guard degrees > 0 else { return nil }
    deviation = (Mean.sum(squares) / Double(degrees)).squareRoot()
    guard deviation.isFinite else { return nil }
  }

  /// The standard error of the mean log odds of so many seeds.
  package func standardError(of count: Int) -> Double { deviation / Double(count).squareRoot() }
}
