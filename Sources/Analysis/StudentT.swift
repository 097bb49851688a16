import Numerics

/// Student's t distribution, of means and slopes estimated from few values.
package enum StudentT {
  /// The probability of a value below `x` with `degrees` of freedom, above 0 and not necessarily
  /// whole.
  ///
  /// By the regularised incomplete beta function (DLMF 8.17.22); absolute error below 1e-13.
  package static func cumulative(_ x: Double, degrees: Double) -> Double {
    precondition(degrees > 0, "degrees of freedom must be above 0")
    let tail = 0.5 * incompleteBeta(degrees / (degrees + x * x), degrees / 2, 0.5)
    return x > 0 ? 1 - tail : tail
  }

  /// The value below which a share `probability` in (0, 1) lies, by bisection.
  package static func quantile(_ probability: Double, degrees: Double) -> Double {
    precondition(probability > 0 && probability < 1, "a probability must lie in (0, 1)")
    guard probability != 0.5 else { return 0 }
    if probability < 0.5 { return -quantile(1 - probability, degrees: degrees) }
    var (low, high) = (0.0, 1.0)
    while cumulative(high, degrees: degrees) < probability { (low, high) = (high, high * 2) }
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return middle }
      if cumulative(middle, degrees: degrees) < probability { low = middle } else { high = middle }
    }
  }

  /// The mean of `values` with its interval, mean ± t s / √n; no interval for fewer than two
  /// values, nil without any.
  package static func mean(_ values: [Double], confidence: Double = 0.95) -> Estimate? {
    guard let mean = Mean.of(values) else { return nil }
    let half = Mean.standardDeviation(values).map {
      quantile((1 + confidence) / 2, degrees: Double(values.count - 1)) * $0
        / Double(values.count).squareRoot()
    }
    return Estimate(
      value: mean,
      interval: half.map { Interval(low: mean - $0, high: mean + $0, confidence: confidence) },
      count: values.count)
  }

  /// I_x(a, b) by its continued fraction, on the side where that converges fast.
  private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    let logFront =
      Double.logGamma(a + b) - Double.logGamma(a) - Double.logGamma(b)
      + a * Double.log(x) + b * Double.log(onePlus: -x)
    let front = Double.exp(logFront)
    return x < (a + 1) / (a + b + 2)
      ? front * betaFraction(x, a, b) / a : 1 - front * betaFraction(1 - x, b, a) / b
  }

  /// The continued fraction of the incomplete beta function by Lentz's method.
  private static func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func kept(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / kept(1 - (a + b) * x / (a + 1))
    var fraction = d
    for m in 1...10_000 {
      let m = Double(m)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      for coefficient in [even, odd] {
        d = 1 / kept(1 + coefficient * d)
        c = kept(1 + coefficient / c)
        fraction *= d * c
      }
      if abs(d * c - 1) < 1e-15 { break }
    }
    return fraction
  }
}
