import Foundation

/// The exponent of a power law through points: y = k x^slope.
package enum LogLogSlope {
  /// The slope of log y on log x by least squares; nil for fewer than two different x or values not
  /// above 0.
  package static func fit(_ points: [(x: Double, y: Double)]) -> Double? {
    guard points.allSatisfy({ $0.x > 0 && $0.y > 0 && $0.y.isFinite }) else { return nil }
    return Trend.fit(points.map { (x: log($0.x), y: log($0.y)) })?.slope.value
  }
}
