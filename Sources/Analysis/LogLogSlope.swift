import Foundation

/// The exponent of a power law through points: y = k x^slope.
package enum LogLogSlope {
  /// The slope of log y on log x by least squares; nil for fewer than two different x or values not above 0.
  package static func fit(_ points: [(x: Double, y: Double)]) -> Double? {
    guard points.allSatisfy({ $0.x > 0 && $0.y > 0 && $0.y.isFinite }) else { return nil }
    let x = points.map { log($0.x) }
    let y = points.map { log($0.y) }
    guard let meanX = Mean.of(x), let meanY = Mean.of(y) else { return nil }
    let square = Mean.sum(x.lazy.map { ($0 - meanX) * ($0 - meanX) })
    let product = Mean.sum(zip(x, y).lazy.map { ($0 - meanX) * ($1 - meanY) })
    return square > 0 ? product / square : nil
  }
}
