/// What a quadratic through points by least squares says of a new one, as attention logits are
/// forecast from small models to larger ones (Wortsman 2023, arXiv 2309.14322).
package enum QuadraticForecast {
  /// The value at `x` with the prediction interval of one new observation; nil for fewer than three
  /// different x.
  ///
  /// The interval is value ± t s √(1 + Σ p_k(x)² / |p_k|²) with n - 3 degrees of freedom, s² the
  /// residual variance and p_0, p_1, p_2 orthogonal polynomials on the points; three points have
  /// none. It takes the law to be a quadratic also at `x`.
  package static func at(
    _ x: Double, from points: [(x: Double, y: Double)], confidence: Double = 0.95
  ) -> Estimate? {
    guard Set(points.map(\.x)).count >= 3, let middle = Mean.of(points.map(\.x)) else { return nil }
    let centred = points.map { $0.x - middle }
    let s2 = Mean.sum(centred.map { $0 * $0 })
    let slope = Mean.sum(centred.map { $0 * $0 * $0 }) / s2
    let offset = s2 / Double(points.count)
    let basis: [(Double) -> Double] = [{ _ in 1 }, { $0 }, { $0 * $0 - slope * $0 - offset }]
    let terms = basis.map { term -> (coefficient: Double, square: Double) in
      let values = centred.map(term)
      let square = Mean.sum(values.map { $0 * $0 })
      return (Mean.sum(zip(values, points).map { $0 * $1.y }) / square, square)
    }
    func value(_ x: Double) -> Double {
      Mean.sum(zip(terms, basis).map { $0.coefficient * $1(x - middle) })
    }
    var interval: Interval?
    if points.count > 3 {
      let degrees = Double(points.count - 3)
      let errors = points.map { $0.y - value($0.x) }
      let variance = Mean.sum(errors.map { $0 * $0 }) / degrees
      let leverage = Mean.sum(
        zip(terms, basis).map { term, polynomial in
          let there = polynomial(x - middle)
          return there * there / term.square
        })
      let half =
        StudentT.quantile((1 + confidence) / 2, degrees: degrees)
        * (variance * (1 + leverage)).squareRoot()
      interval = Interval(low: value(x) - half, high: value(x) + half, confidence: confidence)
    }
    return Estimate(value: value(x), interval: interval, count: points.count)
  }
}
