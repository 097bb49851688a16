import Numerics

/// The standard normal distribution.
package enum Normal {
  /// The probability of a value below `x`.
  package static func cumulative(_ x: Double) -> Double { 0.5 * Double.erfc(-x / 2.0.squareRoot()) }

  /// The value below which a share `probability` in (0, 1) lies.
  ///
  /// Newton's method on the cumulative function kept inside a bracket; relative error below 1e-13
  /// for probabilities in 1e-12 ... 1 - 1e-12.
  package static func quantile(_ probability: Double) -> Double {
    precondition(probability > 0 && probability < 1, "a probability must lie in (0, 1)")
    guard probability != 0.5 else { return 0 }
    // The lower tail keeps its digits; the upper one is its mirror image.
    if probability > 0.5 { return -quantile(1 - probability) }
    var (low, high) = (-40.0, 0.0)
    var x = -1.0
    for _ in 0..<200 {
      let error = cumulative(x) - probability
      if error > 0 { high = x } else { low = x }
      let density = Double.exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      let step = density > 0 ? x - error / density : low
      let next = step > low && step < high ? step : (low + high) / 2
      if abs(next - x) <= 1e-16 * abs(x) { return next }
      x = next
    }
    return x
  }
}
