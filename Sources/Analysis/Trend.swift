/// A straight line through points by least squares.
package struct Trend: Hashable, Sendable, Codable {
  /// Change of y where x grows by 1, with its t interval; none for fewer than three points.
  package let slope: Estimate
  /// The line at x = 0.
  package let intercept: Double

  /// The line through (x, y); nil for fewer than two different x.
  ///
  /// The interval is slope ± t √(residual variance / Σ (x - mean x)²) with n - 2 degrees of
  /// freedom. What is no straight line counts as noise, so that the interval of a bent curve is the
  /// wider.
  package static func fit(
    _ points: [(x: Double, y: Double)], confidence: Double = 0.95
  ) -> Trend? {
    guard let meanX = Mean.of(points.map(\.x)), let meanY = Mean.of(points.map(\.y)) else {
      return nil
    }
    let square = Mean.sum(points.lazy.map { ($0.x - meanX) * ($0.x - meanX) })
    guard square > 0 else { return nil }
    let slope = Mean.sum(points.lazy.map { ($0.x - meanX) * ($0.y - meanY) }) / square
    var interval: Interval?
    if points.count > 2 {
      let degrees = Double(points.count - 2)
      let residual = Mean.sum(
        points.lazy.map { point in
          let error = point.y - meanY - slope * (point.x - meanX)
          return error * error
        })
      let half =
        StudentT.quantile((1 + confidence) / 2, degrees: degrees)
        * (residual / degrees / square).squareRoot()
      interval = Interval(low: slope - half, high: slope + half, confidence: confidence)
    }
    return Trend(
      slope: Estimate(value: slope, interval: interval, count: points.count),
      intercept: meanY - slope * meanX)
  }
}
