import Foundation
package import LabCore

/// A sum of powers fitted to runs, with intervals by resampling them.
package struct ScalingFit: Hashable, Sendable, Codable {
  /// One fitted number.
  package struct Parameter: Hashable, Sendable, Codable {
    package var value: Double
    /// 95 % by percentiles over resampled runs; nil without resamples.
    package var lower: Double?
    package var upper: Double?
    /// Standard deviation over the resamples; nil without any, or where it is beyond all numbers.
    package var standardError: Double?

    enum CodingKeys: String, SnakeCaseKey {
      case value, lower, upper, standardError
    }
  }

  package let powers: SumOfPowers
  /// Summed Huber loss on logarithms at the fit.
  package let loss: Double
  /// E, then A and alpha of each term.
  package let floor: Parameter
  package let coefficients: [Parameter]
  package let exponents: [Parameter]

  /// Whether resampled runs give such different exponents that the law says little beyond them.
  package var isLoose: Bool {
    exponents.contains { ($0.upper ?? 0) - ($0.lower ?? 0) > 1 }
  }

  /// How a fit is made; the defaults are those of arXiv 2404.10102.
  package struct Options: Sendable {
    /// Where the Huber loss turns from squares to lines, in the logarithm of y.
    package var delta = 1e-3
    /// Starts of the grid that are followed: those of least loss.
    package var startCount = 100
    /// Resamples of the runs behind the intervals; 0 for none.
    package var resampleCount = 1_000
    package var seed = Seed(0)

    package init() {}
  }

  /// Why points do not determine a fit; nil where they may.
  ///
  /// `points` are rows of one x for each term.
  package static func refusal(_ points: [[Double]]) -> String? {
    let termCount = points.first?.count ?? 0
    let unknowns = 2 * termCount + 1
    guard points.count > unknowns else {
      return
        "\(points.count) runs do not determine \(unknowns) numbers; give at least \(unknowns + 1)"
    }
    let columns = (0..<termCount).map { term in points.map { log($0[term]) } }
    for (term, column) in columns.enumerated() where Set(column).count < 3 {
      return
        "variable \(term + 1) has \(Set(column).count) different values, and an exponent with a floor needs at least 3"
    }
    for first in columns.indices {
      for second in columns.indices where second > first {
        guard let trend = Trend.fit(zip(columns[first], columns[second]).map { (x: $0, y: $1) })
        else { continue }
        let spread = Mean.standardDeviation(columns[second]) ?? 0
        let left = zip(columns[first], columns[second]).map { x, y in
          y - trend.slope.value * x
        }
        if (Mean.standardDeviation(left) ?? 0) < 1e-3 * spread {
          return
            "variables \(first + 1) and \(second + 1) move together in all runs, so that their terms cannot be told "
            + "apart; add runs that vary one alone"
        }
      }
    }
    return nil
  }

  /// Fits rows of one x for each term, all above 0, to values above 0.
  ///
  /// Throws `LabError` where the points do not determine the fit.
  package init(_ points: [[Double]], _ values: [Double], options: Options = Options()) throws {
    if let reason = Self.refusal(points) { throw LabError(reason) }
    let loss = SumOfPowersLoss(points, values, delta: options.delta)
    let once = [Double](repeating: 1, count: points.count)
    let starts = loss.grid().map { (point: $0, value: loss.value($0, weights: once).value) }
      .sorted { $0.value < $1.value }.prefix(options.startCount)
    let minima = starts.map { loss.descend(from: $0.point, weights: once) }
    guard let best = minima.min(by: { $0.value < $1.value }), best.value.isFinite else {
      throw LabError("no fit was found: the loss is not a number at any start")
    }
    var stream = options.seed.stream("fit/bootstrap")
    let replicates = (0..<options.resampleCount).map { _ -> SumOfPowers in
      var weights = [Double](repeating: 0, count: points.count)
      for _ in points.indices { weights[stream.below(points.count)] += 1 }
      // Far finer than resamples differ.
      return loss.powers(
        loss.descend(from: best.point, weights: weights, tolerance: options.delta * 1e-3).point)
    }
    func parameter(_ value: (SumOfPowers) -> Double) -> Parameter {
      let drawn = replicates.map(value).sorted()
      return Parameter(
        value: value(loss.powers(best.point)), lower: Mean.quantile(0.025, ofSorted: drawn),
        upper: Mean.quantile(0.975, ofSorted: drawn),
        standardError: Mean.standardDeviation(drawn).flatMap { $0.isFinite ? $0 : nil })
    }
    powers = loss.powers(best.point)
    self.loss = best.value
    floor = parameter(\.floor)
    coefficients = powers.coefficients.indices.map { term in parameter { $0.coefficients[term] } }
    exponents = powers.exponents.indices.map { term in parameter { $0.exponents[term] } }
  }
}

/// How well a law of smaller runs says what larger ones reach (arXiv 2410.11840).
package struct HeldOutError: Hashable, Sendable, Codable {
  /// The first variable of the runs that were left out.
  package let largest: Double
  package let runCount: Int
  /// Mean of |y - fit| / y: the ARE of the law, of the best value seen, and of the value of the largest run seen.
  package let law: Double
  package let bestSeen: Double
  package let largestSeen: Double

  enum CodingKeys: String, SnakeCaseKey {
    case largest, runCount, law, bestSeen, largestSeen
  }

  /// Fits all points but those whose first x is the largest, and holds the fit against them.
  ///
  /// Throws `LabError` where what is left does not determine a fit.
  package init(
    _ points: [[Double]], _ values: [Double], options: ScalingFit.Options = ScalingFit.Options()
  ) throws {
    let largest = points.map { $0[0] }.max() ?? 0
    let seen = points.indices.filter { points[$0][0] < largest }
    let left = points.indices.filter { points[$0][0] == largest }
    var options = options
    options.resampleCount = 0
    let fit: ScalingFit
    do {
      fit = try ScalingFit(seen.map { points[$0] }, seen.map { values[$0] }, options: options)
    } catch {
      throw LabError("without the largest size, \(error)")
    }
    let best = seen.map { values[$0] }.min() ?? 0
    let last = seen.max { points[$0][0] < points[$1][0] }.map { values[$0] } ?? 0
    func error(_ guess: (Int) -> Double) -> Double {
      Mean.of(left.map { abs(values[$0] - guess($0)) / values[$0] }) ?? 0
    }
    self.largest = largest
    runCount = left.count
    law = error { fit.powers.value(at: points[$0]) }
    bestSeen = error { _ in best }
    largestSeen = error { _ in last }
  }
}
