import Analysis
import Foundation
import LabCore

/// A law with known numbers and the runs that are drawn from it, each law written out as it is
/// published.
struct PlantedLaw {
  let form: ScalingForm
  let points: [[Double]]
  let law: ([Double]) -> Double
  let truth: [Double]

  init(
    _ form: ScalingForm, _ points: [[Double]], _ truth: [Double],
    _ law: @escaping ([Double]) -> Double
  ) {
    (self.form, self.points, self.law, self.truth) = (form, points, law, truth)
  }

  /// The values of the runs with normal noise on the form's scale.
  func values(noise: Double, _ stream: inout RandomStream) -> [Double] {
    points.map { x in
      let y = law(x)
      let shift = exp(noise * stream.normal())
      return form.scale == .log ? y * shift : y * shift / (1 - y + y * shift)
    }
  }

  static var all: [PlantedLaw] {
    [
      PlantedLaw(.power, sizes, [0.02, 30, 0.5], power(0.02, 30, 0.5)),
      PlantedLaw(
        .chinchilla, grid([1e7, 3e7, 1e8, 3e8, 1e9], [2e8, 1e9, 5e9, 2.5e10]),
        [1.8, 480, 0.35, 2_100, 0.37], hoffmann),
      PlantedLaw(
        .dataConstrained, grid([1e7, 1e8, 1e9, 4e9], [1e9, 2e10, 1e11], [1e8, 1e9, 1e10]),
        [1.87, 521, 0.35, 1_488, 0.36, 15.39, 5.31], repeated),
      PlantedLaw(.sigmoid, sizes, [0.05, 0.85, 3e4, 1.5], sigmoid(1.5)),
      PlantedLaw(.sigmoid, sizes, [0.05, 0.85, 3e4, -1.5], sigmoid(-1.5)),
      PlantedLaw(.brokenPower, sizes, [0.01, 5, 0.1, 0.9, 2e4, 0.4], broken(0.1, 0.9)),
      // Down, then up again.
      PlantedLaw(.brokenPower, sizes, [0.01, 5, 0.3, -0.5, 2e4, 0.4], broken(0.3, -0.5)),
      PlantedLaw(
        .rate, grid([1e3, 1e4, 1e5], [20, 50, 100], [1e3, 5e3]), [300, 0.8, 0.5, 0.7], odds),
    ]
  }

  /// Forty to sixty runs here and there, as a study of a form has them.
  static var studies: [PlantedLaw] {
    var stream = Seed(11).stream("fit/studies")
    func scattered(_ count: Int, _ ranges: ClosedRange<Double>...) -> [[Double]] {
      (0..<count).map { _ in
        ranges.map { pow(10, $0.lowerBound + ($0.upperBound - $0.lowerBound) * stream.uniform()) }
      }
    }
    let repeats = scattered(60, 7...9.5, -0.3...1.9, 8...10.5).map {
      [$0[0], $0[1] * $0[2], $0[2]]
    }
    return [
      PlantedLaw(.power, scattered(40, 3...6), [1, 40, 0.45], power(1, 40, 0.45)),
      PlantedLaw(
        .chinchilla, scattered(40, 7...9.5, 8.3...10.5), [1.8, 480, 0.35, 2_100, 0.37], hoffmann),
      PlantedLaw(.dataConstrained, repeats, [1.87, 521, 0.35, 1_488, 0.36, 15.39, 5.31], repeated),
      PlantedLaw(.sigmoid, scattered(40, 2.5...6.5), [0.05, 0.85, 3e4, 1.5], sigmoid(1.5)),
      PlantedLaw(
        .brokenPower, scattered(60, 2.5...7), [0.01, 5, 0.1, 0.9, 2e4, 0.4], broken(0.1, 0.9)),
      PlantedLaw(.rate, scattered(30, 3...6, 1.3...2.3, 3...4), [300, 0.8, 0.5, 0.7], odds),
    ]
  }

  static func hoffmann(_ x: [Double]) -> Double {
    1.8 + 480 * pow(x[0], -0.35) + 2_100 * pow(x[1], -0.37)
  }

  static func sigmoid(_ slope: Double) -> ([Double]) -> Double {
    { 0.05 + 0.8 / (1 + pow($0[0] / 3e4, slope)) }
  }

  static func power(_ e: Double, _ a: Double, _ alpha: Double) -> ([Double]) -> Double {
    { e + a * pow($0[0], -alpha) }
  }

  static func repeated(_ x: [Double]) -> Double {
    let (a, alpha, b, beta, limitD, limitN) = (521.0, 0.35, 1488.0, 0.36, 15.39, 5.31)
    let unique = min(x[1], x[2])
    let data = unique + unique * limitD * (1 - exp(-(x[1] / unique - 1) / limitD))
    let g = pow(alpha * a / (beta * b), 1 / (alpha + beta))
    // The size that is optimal at the budget at which `unique` is the optimal data.
    let budget = pow(unique * g, (alpha + beta) / alpha)
    let base = min(x[0], g * pow(budget, beta / (alpha + beta)))
    let size = base + base * limitN * (1 - exp(-(x[0] / base - 1) / limitN))
    return 1.87 + a * pow(size, -alpha) + b * pow(data, -beta)
  }

  static func odds(_ x: [Double]) -> Double {
    let odds = 300 * pow(x[0], -0.8) * pow(x[1], -0.5) * pow(x[2], 0.7)
    return odds / (1 + odds)
  }

  static func broken(_ c0: Double, _ c1: Double) -> ([Double]) -> Double {
    { 0.01 + 5 * pow($0[0], -c0) * pow(1 + pow($0[0] / 2e4, 1 / 0.4), -c1 * 0.4) }
  }

  /// Every combination of some numbers.
  static func grid(_ columns: [Double]...) -> [[Double]] {
    columns.reduce([[]]) { rows, column in rows.flatMap { row in column.map { row + [$0] } } }
  }

  /// Twelve sizes, three to a decade.
  static let sizes = (0..<12).map { [pow(10, 3 + Double($0) / 3)] }
}
