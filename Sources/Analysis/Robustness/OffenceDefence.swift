import Foundation

/// How the compute of attacks on a family of models grows with another compute.
package enum OffenceDefence {
  /// A line through values on logarithms of base 10.
  package struct Line: Hashable, Sendable {
    /// With its t interval over the points; none for fewer than three.
    package let slope: Estimate
    /// The share of the values' variance that the line explains; nil where they do not vary.
    package let explained: Double?
  }

  /// The slope of slopes: change of the attack's slope where the model is ten times as large.
  ///
  /// Nil for fewer than two sizes.
  package static func slopeOfSlopes(_ slopes: [(size: Double, slope: Double)]) -> Line? {
    line(slopes.map { (x: log10($0.size), y: $0.slope) })
  }

  /// The exponent e of attack = k defence^e, where attack is the compute that reaches a fixed rate
  /// of success on a model after an amount of compute for its defence.
  ///
  /// At 1, parity, an attacker who adds as much as the defender, in proportion, keeps the rate;
  /// below 1 the attacker needs to add less, above 1 more. Values must be above 0. Nil for fewer
  /// than two different amounts.
  package static func exponent(_ points: [(defence: Double, attack: Double)]) -> Line? {
    line(points.map { (x: log10($0.defence), y: log10($0.attack)) })
  }

  private static func line(_ points: [(x: Double, y: Double)]) -> Line? {
    guard let trend = Trend.fit(points), let mean = Mean.of(points.map(\.y)) else { return nil }
    let total = Mean.sum(points.lazy.map { ($0.y - mean) * ($0.y - mean) })
    let rest = Mean.sum(
      points.lazy.map { point in
        let error = point.y - trend.intercept - trend.slope.value * point.x
        return error * error
      })
    return Line(slope: trend.slope, explained: total > 0 ? 1 - rest / total : nil)
  }

  /// Which side gains where both add compute in proportion, as far as an exponent's interval tells.
  package enum Side: String, Codable, Sendable {
    case offence, defence
    /// The interval holds 1, or there is none.
    case undecided

    package init(exponent: Estimate) {
      guard let interval = exponent.interval, !interval.contains(1) else {
        self = .undecided
        return
      }
      self = exponent.value < 1 ? .offence : .defence
    }
  }
}
