import Foundation

/// Decides the range of an axis from the data of all panels.
enum Domain {
  /// The largest value that has a place on an axis, and the inverse of the smallest on a
  /// logarithmic one: ticks and margins stay far from where numbers end.
  static let largest = 1e100

  /// `also` are further columns that must fit, `rules` further values.
  static func resolve(
    _ axis: Axis, _ index: Int, _ data: Records, also columns: [Int] = [], rules: [Double] = []
  ) -> ResolvedAxis {
    let values = data.rows.flatMap { row in ([index] + columns).compactMap { row[$0].finite } }
      .filter { abs($0) <= largest }
    return ResolvedAxis(
      axis: axis, index: index, domain: domain(axis, values + rules),
      format: axis.format ?? data.columns[index].format)
  }

  private static func domain(_ axis: Axis, _ values: [Double]) -> ClosedRange<Double> {
    switch axis.scale {
    case .log:
      if let domain = axis.domain, domain.lowerBound > 0, domain.upperBound > domain.lowerBound {
        return domain
      }
      return logarithmic(values.filter { $0 >= 1 / largest })
    case .linear:
      if let domain = axis.domain, domain.upperBound > domain.lowerBound { return domain }
      return linear(values, includesZero: axis.includesZero)
    }
  }

  /// The data's range with a margin of 4 % of its decades on either side.
  private static func logarithmic(_ values: [Double]) -> ClosedRange<Double> {
    guard let low = values.min(), let high = values.max() else { return 1...10 }
    // Nearer values may have one logarithm.
    guard high > low * (1 + 1e-9) else { return (low / 2)...(high * 2) }
    let margin = pow(high / low, 0.04)
    return (low / margin)...(high * margin)
  }

  /// The data's range widened to whole tick steps.
  private static func linear(_ values: [Double], includesZero: Bool) -> ClosedRange<Double> {
    guard var low = values.min(), var high = values.max() else { return 0...1 }
    if includesZero { (low, high) = (min(0, low), max(0, high)) }
    if high - low < 1 / largest {
      let margin = abs(low) < 1 / largest ? 1 : abs(low) / 2
      (low, high) = (low - margin, high + margin)
    }
    return Ticks.nice(low...high, count: 8)
  }
}
