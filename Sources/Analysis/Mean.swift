/// Means, spreads and quantiles; sums are compensated, so order hardly matters (Neumaier 1974).
package enum Mean {
  /// The sum of `values`.
  package static func sum(_ values: some Sequence<Double>) -> Double {
    var total = 0.0
    var lost = 0.0
    for value in values {
      let next = total + value
      lost += abs(total) >= abs(value) ? (total - next) + value : (value - next) + total
      total = next
    }
    return lost.isFinite ? total + lost : total
  }

  /// The mean of `values`; nil when there are none.
  package static func of(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : sum(values) / Double(values.count)
  }

  /// The mean of `values` under `weights` of the same count; nil when the weights sum to zero.
  package static func weighted(_ values: [Double], by weights: [Double]) -> Double? {
    precondition(values.count == weights.count, "each value needs one weight")
    let total = sum(weights)
    return total > 0 ? sum(zip(values, weights).lazy.map { $0 * $1 }) / total : nil
  }

  /// The sample standard deviation (divisor n - 1); nil for fewer than two values.
  package static func standardDeviation(_ values: [Double]) -> Double? {
    guard values.count > 1, let mean = of(values) else { return nil }
    let squares = sum(values.lazy.map { ($0 - mean) * ($0 - mean) })
    return (squares / Double(values.count - 1)).squareRoot()
  }

  /// The quantile at `share` (0 to 1) of values in ascending order; nil when there are none.
  ///
  /// Linear between order statistics: numpy's default, type 7 of Hyndman & Fan 1996.
  package static func quantile(_ share: Double, ofSorted values: [Double]) -> Double? {
    precondition(share >= 0 && share <= 1, "a share must lie in 0 ... 1")
    guard let last = values.last else { return nil }
    let position = share * Double(values.count - 1)
    let index = Int(position)
    guard index + 1 < values.count else { return last }
    let fraction = position - Double(index)
    let (low, high) = (values[index], values[index + 1])
    return low == high ? low : low + (high - low) * fraction
  }
}
