import LabCore

/// How well a law of smaller runs says what larger ones reach (arXiv 2410.11840).
package struct HeldOutError: Hashable, Sendable, Codable {
  /// The first variable of the runs that were left out.
  package let largest: Double
  package let runCount: Int
  /// Mean of |y - fit| / y: the ARE of the law, of the best value seen, and of the value of the
  /// largest run seen, the mean of those that are largest in their first variable, of these in the
  /// second, and so on.
  package let law: Double
  package let bestSeen: Double
  package let largestSeen: Double

  /// Fits all points but those whose first x is the largest, and holds the fit against them.
  ///
  /// Throws `LabError` where what is left does not determine a fit.
  package init(
    _ form: ScalingForm, _ points: [[Double]], _ values: [Double],
    options: ScalingFit.Options = ScalingFit.Options()
  ) throws {
    let largest = points.map { $0[0] }.max() ?? 0
    let seen = points.indices.filter { points[$0][0] < largest }
    let left = points.indices.filter { points[$0][0] == largest }
    var options = options
    options.resampleCount = 0
    let fit: ScalingFit
    do {
      fit = try ScalingFit(form, seen.map { points[$0] }, seen.map { values[$0] }, options: options)
    } catch {
      throw LabError("without the largest size, \(error)")
    }
    let best = seen.map { values[$0] }.min() ?? 0
    let top = seen.map { points[$0] }.max { $0.lexicographicallyPrecedes($1) }
    let last = Mean.of(seen.filter { points[$0] == top }.map { values[$0] }) ?? 0
    func error(_ guess: (Int) -> Double) -> Double {
      Mean.of(left.map { abs(values[$0] - guess($0)) / values[$0] }) ?? 0
    }
    self.largest = largest
    runCount = left.count
    law = error { fit.value(at: points[$0]).value }
    bestSeen = error { _ in best }
    largestSeen = error { _ in last }
  }
}
