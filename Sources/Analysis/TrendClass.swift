import Foundation

/// How a positive quantity goes on over the later part of a training (arXiv 2212.09803).
package enum TrendClass: String, Codable, CaseIterable, Sendable {
  case upward, downward
  /// Neither, with start and end within 5 % of their geometric mean.
  case stagnated
  /// None of these.
  case other

  /// The class of values at rising steps, at least three: the sign of the slope of value / first
  /// value on the index where its 95 % t interval leaves out 0.
  package init(_ values: [Double]) {
    guard values.count >= 3, values.allSatisfy({ $0 > 0 && $0.isFinite }), let last = values.last
    else {
      self = .other
      return
    }
    let points = values.enumerated().map { (x: Double($0.offset), y: $0.element / values[0]) }
    let slope = Trend.fit(points)?.slope
    if let slope, let interval = slope.interval, slope.value != 0,
      interval.low > 0 || interval.high < 0
    {
      self = slope.value > 0 ? .upward : .downward
      return
    }
    let middle = (values[0] * last).squareRoot()
    self =
      abs(values[0] / middle - 1) <= 0.05 && abs(last / middle - 1) <= 0.05 ? .stagnated : .other
  }
}
