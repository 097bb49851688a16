/// How far curves are apart where they have points at the same x.
package enum CurveAgreement {
  private static let gridCount = 50

  /// The root of the mean squared difference of two curves over the x that both reach, with the
  /// range of their mean there.
  ///
  /// Taken at equal distances, linearly between points. Nil where they have no x in common.
  package static func difference(
    _ a: [(x: Double, y: Double)], _ b: [(x: Double, y: Double)]
  ) -> (difference: Double, range: Double)? {
    let curves = [a, b].map { $0.sorted { $0.x < $1.x } }
    guard let low = curves.compactMap(\.first?.x).max(),
      let high = curves.compactMap(\.last?.x).min(),
      curves.allSatisfy({ $0.count > 1 }), low < high
    else { return nil }
    let grid = (0...gridCount).map { low + (high - low) * Double($0) / Double(gridCount) }
    let values = curves.map { curve in grid.map { value(of: curve, at: $0) } }
    let squares = zip(values[0], values[1]).map { ($0 - $1) * ($0 - $1) }
    let means = zip(values[0], values[1]).map { ($0 + $1) / 2 }
    return (
      (Mean.of(squares) ?? 0).squareRoot(), (means.max() ?? 0) - (means.min() ?? 0)
    )
  }

  private static func value(of curve: [(x: Double, y: Double)], at x: Double) -> Double {
    guard let next = curve.firstIndex(where: { $0.x >= x }) else { return curve[curve.count - 1].y }
    guard next > 0, curve[next].x > x else { return curve[next].y }
    let (left, right) = (curve[next - 1], curve[next])
    return left.y + (right.y - left.y) * (x - left.x) / (right.x - left.x)
  }
}
