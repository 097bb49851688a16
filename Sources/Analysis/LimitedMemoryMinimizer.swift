/// Minimises a smooth convex function by L-BFGS (Nocedal & Wright 2006, algorithm 7.5) with
/// backtracking.
///
/// A guess at the Hessian takes the place of the identity that the algorithm begins each direction
/// with.
package struct LimitedMemoryMinimizer {
  package var maximumIterations = 300
  /// Ends where no component of the gradient is larger.
  package var gradientTolerance = 1e-6
  /// Pairs of steps and gradient changes that are remembered.
  package var memory = 10
  /// Applies the inverse of a guess at the Hessian, whose scale does not matter; nil for the
  /// identity.
  package var precondition: (([Double]) -> [Double])?

  /// Where a descent ended.
  package struct Minimum {
    package let point: [Double]
    package let value: Double
    package let iterationCount: Int
  }

  package init() {}

  private struct Pair {
    let step: [Double]
    let change: [Double]
    /// The reciprocal of the product of step and change.
    let inverse: Double
  }

  /// Descends from `start`; `function` gives value and gradient at a point.
  ///
  /// Ends at the tolerance, after the most iterations, or where rounding hides any further descent.
  package func minimize(
    from start: [Double], _ function: ([Double]) throws -> (value: Double, gradient: [Double])
  ) rethrows -> Minimum {
    var point = start
    var (value, gradient) = try function(point)
    var pairs: [Pair] = []
    for iteration in 0..<maximumIterations {
      guard let largest = gradient.map({ abs($0) }).max(), largest > gradientTolerance else {
        return Minimum(point: point, value: value, iterationCount: iteration)
      }
      var direction = descent(gradient, pairs)
      var slope = Self.dot(direction, gradient)
      if !(slope < 0) {
        pairs = []
        direction = descent(gradient, pairs)
        slope = Self.dot(direction, gradient)
      }
      var length =
        pairs.isEmpty && precondition == nil ? min(1, 1 / (-slope).squareRoot()) : 1
      var found: (point: [Double], value: Double, gradient: [Double])?
      for _ in 0..<20 {
        let candidate = zip(point, direction).map { $0 + length * $1 }
        let (newValue, newGradient) = try function(candidate)
        if newValue <= value + 1e-4 * length * slope {
          found = (candidate, newValue, newGradient)
          break
        }
        length /= 2
      }
      guard let found else {
        return Minimum(point: point, value: value, iterationCount: iteration)
      }
      let step = zip(found.point, point).map { $0 - $1 }
      let change = zip(found.gradient, gradient).map { $0 - $1 }
      let curvature = Self.dot(step, change)
      if curvature > 1e-12 * Self.dot(change, change) {
        pairs.append(Pair(step: step, change: change, inverse: 1 / curvature))
        if pairs.count > memory { pairs.removeFirst() }
      }
      (point, value, gradient) = (found.point, found.value, found.gradient)
    }
    return Minimum(point: point, value: value, iterationCount: maximumIterations)
  }

  /// -H gradient, with H the inverse Hessian that the pairs imply.
  private func descent(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
    var direction = gradient.map { -$0 }
    var factors: [Double] = []
    for pair in pairs.reversed() {
      let factor = pair.inverse * Self.dot(pair.step, direction)
      factors.append(factor)
      for index in direction.indices { direction[index] -= factor * pair.change[index] }
    }
    if let precondition { direction = precondition(direction) }
    if let last = pairs.last {
      let change = precondition?(last.change) ?? last.change
      let scale = 1 / (last.inverse * Self.dot(last.change, change))
      for index in direction.indices { direction[index] *= scale }
    }
    for (pair, factor) in zip(pairs, factors.reversed()) {
      let other = pair.inverse * Self.dot(pair.change, direction)
      for index in direction.indices { direction[index] += (factor - other) * pair.step[index] }
    }
    return direction
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }
}
