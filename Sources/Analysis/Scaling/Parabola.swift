/// The parabola through points by least squares, as for the best size at one compute budget (arXiv
/// 2203.15556, approach 2).
package struct Parabola: Hashable, Sendable {
  /// Where its slope is 0.
  package let vertex: Double
  /// Its value there.
  package let minimum: Double
  /// Half its second derivative, above 0.
  package let curvature: Double

  /// The parabola through (x, y) that opens upwards.
  ///
  /// Nil for fewer than three different x, or where the points do not bend upwards. The vertex may
  /// lie outside of the points.
  package static func fit(_ points: [(x: Double, y: Double)]) -> Parabola? {
    guard Set(points.map(\.x)).count >= 3, let middle = Mean.of(points.map(\.x)) else { return nil }
    // About the middle the three sums below stay well conditioned: x and its square less their
    // overlap.
    let x = points.map { $0.x - middle }
    let s2 = Mean.sum(x.map { $0 * $0 })
    let slope = Mean.sum(x.map { $0 * $0 * $0 }) / s2
    let offset = s2 / Double(points.count)
    let bend = x.map { $0 * $0 - slope * $0 - offset }
    let square = Mean.sum(bend.map { $0 * $0 })
    guard square > 0, let meanY = Mean.of(points.map(\.y)) else { return nil }
    let curvature = Mean.sum(zip(bend, points).map { $0 * $1.y }) / square
    guard curvature > 0 else { return nil }
    let linear = Mean.sum(zip(x, points).map { $0 * $1.y }) / s2 - curvature * slope
    let constant = meanY - curvature * offset
    return Parabola(
      vertex: middle - linear / (2 * curvature),
      minimum: constant - linear * linear / (4 * curvature), curvature: curvature)
  }
}
