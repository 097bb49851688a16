import Foundation

/// y = E + A_1 x_1^(-alpha_1) + ...: a power law with a floor, or with two terms Hoffmann's L(N, D).
///
/// arXiv 2203.15556, section 3.3.
package struct SumOfPowers: Hashable, Sendable, Codable {
  /// What is left however large every x is.
  package var floor: Double
  package var coefficients: [Double]
  package var exponents: [Double]

  package init(floor: Double, coefficients: [Double], exponents: [Double]) {
    precondition(coefficients.count == exponents.count, "each coefficient needs an exponent")
    self.floor = floor
    self.coefficients = coefficients
    self.exponents = exponents
  }

  /// y at one x for each term, all above 0.
  package func value(at x: [Double]) -> Double {
    zip(x, zip(coefficients, exponents)).reduce(floor) { $0 + $1.1.0 * pow($1.0, -$1.1.1) }
  }
}

/// Fits a sum of powers by the summed Huber loss on logarithms, as arXiv 2203.15556 and its refit 2404.10102 do.
///
/// The unknowns are log A_j at the mean of log x_j, alpha_j, and log E: so coefficients stay positive, and a change of
/// an exponent leaves the middle of the data where it is.
struct SumOfPowersLoss {
  /// Logarithms of each term's x, less their mean.
  private let x: [[Double]]
  private let means: [Double]
  private let y: [Double]
  /// Where the Huber loss turns from squares to lines, in the logarithm of y.
  private let delta: Double

  /// `points` are rows of one x for each term, all above 0, as are `values`.
  init(_ points: [[Double]], _ values: [Double], delta: Double) {
    let logs = points.map { $0.map { log($0) } }
    let means = (points.first ?? []).indices.map { term in
      Mean.of(logs.map { $0[term] }) ?? 0
    }
    self.means = means
    x = logs.map { row in row.indices.map { row[$0] - means[$0] } }
    y = values.map { log($0) }
    self.delta = delta
  }

  private var termCount: Int { means.count }

  /// The unknowns of a sum of powers.
  func point(_ powers: SumOfPowers) -> [Double] {
    zip(means, zip(powers.coefficients, powers.exponents)).flatMap { mean, power in
      [log(power.0) - power.1 * mean, power.1]
    } + [log(powers.floor)]
  }

  /// The sum of powers of some unknowns.
  func powers(_ point: [Double]) -> SumOfPowers {
    SumOfPowers(
      floor: exp(point[2 * termCount]),
      coefficients: means.indices.map { exp(point[2 * $0] + point[2 * $0 + 1] * means[$0]) },
      exponents: means.indices.map { point[2 * $0 + 1] })
  }

  /// Loss and gradient; `weights` say how often each point counts.
  func value(_ point: [Double], weights: [Double]) -> (value: Double, gradient: [Double]) {
    var sum = 0.0
    var gradient = [Double](repeating: 0, count: point.count)
    var terms = [Double](repeating: 0, count: termCount + 1)
    for row in x.indices where weights[row] > 0 {
      var largest = point[2 * termCount]
      terms[termCount] = largest
      for term in means.indices {
        terms[term] = point[2 * term] - point[2 * term + 1] * x[row][term]
        largest = max(largest, terms[term])
      }
      var total = 0.0
      for term in terms.indices {
        terms[term] = exp(terms[term] - largest)
        total += terms[term]
      }
      let residual = largest + log(total) - y[row]
      let size = abs(residual)
      sum +=
        weights[row] * (size <= delta ? residual * residual / 2 : delta * (size - delta / 2))
      let slope = weights[row] * min(max(residual, -delta), delta) / total
      for term in means.indices {
        gradient[2 * term] += slope * terms[term]
        gradient[2 * term + 1] -= slope * terms[term] * x[row][term]
      }
      gradient[2 * termCount] += slope * terms[termCount]
    }
    return (sum, gradient)
  }

  /// The least loss reached from a start, to the last digits or to the `tolerance` of its gradient.
  func descend(
    from start: [Double], weights: [Double], tolerance: Double = 1e-13
  ) -> LimitedMemoryMinimizer.Minimum {
    var minimizer = LimitedMemoryMinimizer()
    minimizer.maximumIterations = 3_000
    minimizer.gradientTolerance = tolerance
    return minimizer.minimize(from: start) { value($0, weights: weights) }
  }

  /// Starts on the published grid: alpha in 0 to 2, log E in -1 to 1, log A in 0 to 25.
  func grid() -> [[Double]] {
    let exponents = stride(from: 0.0, through: 2, by: 0.5).map { $0 }
    let logs = stride(from: 0.0, through: 25, by: 5).map { $0 }
    var starts = stride(from: -1.0, through: 1, by: 0.5).map { [$0] }
    for mean in means.reversed() {
      starts = exponents.flatMap { exponent in
        logs.flatMap { log in starts.map { [log - exponent * mean, exponent] + $0 } }
      }
    }
    return starts
  }
}
