/// The 95 % score interval of a proportion (Wilson 1927).
package enum WilsonInterval {
  /// The 97.5 % quantile of the standard normal distribution.
  private static let z = 1.959963984540054

  /// The interval around `rate` seen in `trials` independent trials, which must be above 0.
  package static func around(rate: Double, trials: Int) -> (lower: Double, upper: Double) {
    let n = Double(trials)
    let square = z * z / n
    let center = (rate + square / 2) / (1 + square)
    let half = z / (1 + square) * (rate * (1 - rate) / n + square / n / 4).squareRoot()
    // At the ends the closed form is exactly 0 or 1; rounding must not move it.
    return (rate == 0 ? 0 : max(0, center - half), rate == 1 ? 1 : min(1, center + half))
  }
}
