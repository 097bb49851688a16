/// The summed Huber loss of a law on its scale, as arXiv 2203.15556 and its refit 2404.10102 have
/// it.
struct ScalingLoss {
  let curve: any ScalingCurve
  /// The logarithm of each variable, a row for each run.
  let x: [[Double]]
  /// The runs' values on the law's scale.
  let y: [Double]
  /// Where the Huber loss turns from squares to lines.
  let delta: Double

  /// Loss and gradient; `weights` say how often each run counts.
  func value(_ unknowns: [Double], weights: [Double]) -> (value: Double, gradient: [Double]) {
    var sum = 0.0
    var gradient = [Double](repeating: 0, count: unknowns.count)
    var slope = gradient
    for row in x.indices where weights[row] > 0 {
      let residual = curve.predict(unknowns, x[row], &slope) - y[row]
      let size = abs(residual)
      sum +=
        weights[row] * (size <= delta ? residual * residual / 2 : delta * (size - delta / 2))
      let factor = weights[row] * min(max(residual, -delta), delta)
      for index in gradient.indices { gradient[index] += factor * slope[index] }
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

  /// The least loss from the best of the law's starts; nil where it is a number at none.
  func least(startCount: Int) -> LimitedMemoryMinimizer.Minimum? {
    let once = [Double](repeating: 1, count: y.count)
    let starts = curve.starts(x, y).map { (point: $0, value: value($0, weights: once).value) }
      .filter { $0.value.isFinite }.sorted { $0.value < $1.value }.prefix(startCount)
    let minima = starts.map { descend(from: $0.point, weights: once) }
    return minima.filter { $0.value.isFinite }.min { $0.value < $1.value }
  }

  /// The derivatives of each run's prediction by each unknown.
  func slopes(_ unknowns: [Double]) -> [[Double]] {
    var slope = [Double](repeating: 0, count: unknowns.count)
    return x.map { row in
      _ = curve.predict(unknowns, row, &slope)
      return slope
    }
  }
}
