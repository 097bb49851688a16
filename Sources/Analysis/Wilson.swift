/// The score interval of a proportion (Wilson 1927).
package enum Wilson {
  /// The interval of `successes` out of `trials`; everything from 0 to 1 when there are no trials.
  package static func interval(
    successes: Int, trials: Int, confidence: Double = 0.95
  ) -> Interval {
    precondition(successes >= 0 && successes <= trials, "successes must lie in 0 ... trials")
    let rate = trials == 0 ? 0 : Double(successes) / Double(trials)
    return interval(rate: rate, trials: Double(trials), confidence: confidence)
  }

  /// The interval of a proportion `rate` seen in `trials` trials.
  ///
  /// `trials` may be an effective sample size: trials of one query are not independent, so pass
  /// (sum of weights)² / (sum of squared weights) or the number of clusters.
  package static func interval(
    rate: Double, trials: Double, confidence: Double = 0.95
  ) -> Interval {
    precondition(rate >= 0 && rate <= 1, "a rate must lie in 0 ... 1")
    precondition(confidence > 0 && confidence < 1, "a confidence must lie in (0, 1)")
    guard trials > 0 else { return Interval(low: 0, high: 1, confidence: confidence) }
    let z = Normal.quantile(0.5 + confidence / 2)
    let square = z * z / trials
    let center = (rate + square / 2) / (1 + square)
    let half = z / (1 + square) * (rate * (1 - rate) / trials + square / trials / 4).squareRoot()
    // At the ends the closed form is exactly 0 or 1; rounding must not move it.
    return Interval(
      low: rate == 0 ? 0 : max(0, center - half), high: rate == 1 ? 1 : min(1, center + half),
      confidence: confidence)
  }

  /// The rate of `successes` out of `trials` with its interval; nil without trials.
  package static func estimate(
    successes: Int, trials: Int, confidence: Double = 0.95
  ) -> Estimate? {
    guard trials > 0 else { return nil }
    let interval = interval(successes: successes, trials: trials, confidence: confidence)
    return Estimate(
      value: Double(successes) / Double(trials), interval: interval, count: trials)
  }
}
