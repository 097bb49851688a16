import Analysis
import Foundation
import LabCore
import Testing

/// Generations of least-squares models against the closed forms of arXiv 2404.01413.
///
/// Trained on the words of the one before, the error grows by sigma^2 d / (T - d - 1) each time; on
/// all earlier words as well, by a share 1 / i^2 of that in generation i, pi^2 / 6 of it at the
/// most.
@Suite struct CollapseTests {
  private static let (width, samples, generations, repeats) = (8, 40, 6, 300)

  /// Mean squared error of the weights after each generation.
  private static func errors(accumulate: Bool) -> [Double] {
    var stream = Seed(11).stream("regression/\(accumulate)")
    func normal() -> Double {
      let (a, b) = (
        Double.random(in: 1e-300..<1, using: &stream), Double.random(in: 0..<1, using: &stream)
      )
      return (-2 * log(a)).squareRoot() * cos(2 * .pi * b)
    }
    var errors = [Double](repeating: 0, count: generations)
    for _ in 0..<repeats {
      let inputs = (0..<samples).map { _ in (0..<width).map { _ in normal() } }
      var weights = [Double](repeating: 0, count: width)
      var (squares, products) = (
        [[Double]](repeating: [Double](repeating: 0, count: width), count: width),
        [Double](repeating: 0, count: width)
      )
      for generation in 0..<generations {
        if !accumulate {
          squares = squares.map { $0.map { _ in 0 } }
          products = products.map { _ in 0 }
        }
        for row in inputs {
          let said = zip(row, weights).reduce(normal()) { $0 + $1.0 * $1.1 }
          for i in 0..<width {
            products[i] += row[i] * said
            for j in 0..<width { squares[i][j] += row[i] * row[j] }
          }
        }
        weights = solve(squares, products)
        errors[generation] += weights.reduce(0) { $0 + $1 * $1 } / Double(repeats)
      }
    }
    return errors
  }

  /// Gauss's elimination with pivots.
  private static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(matrix, right).map { $0 + [$1] }
    for column in rows.indices {
      let pivot = rows.indices[column...].max { abs(rows[$0][column]) < abs(rows[$1][column]) }
      rows.swapAt(column, pivot ?? column)
      for row in rows.indices where row != column {
        let factor = rows[row][column] / rows[column][column]
        for place in column...rows.count { rows[row][place] -= factor * rows[column][place] }
      }
    }
    return rows.indices.map { rows[$0][rows.count] / rows[$0][$0] }
  }

  private static let step = Double(width) / Double(samples - width - 1)

  @Test func replacedWordsRaiseTheErrorByTheSameEachTime() throws {
    let errors = Self.errors(accumulate: false)
    let points = errors.enumerated().map { (x: Double($0.offset + 1), y: $0.element) }
    let trend = try #require(Trend.fit(points))
    #expect(abs(trend.slope.value / Self.step - 1) < 0.1)
    #expect(abs(trend.intercept) < 0.2 * Self.step)
    let interval = try #require(trend.slope.interval)
    #expect(interval.high - interval.low < 0.15 * trend.slope.value, "a straight line")
  }

  @Test func accumulatedWordsKeepItBounded() {
    let errors = Self.errors(accumulate: true)
    var sum = 0.0
    for (place, error) in errors.enumerated() {
      sum += 1 / pow(Double(place + 1), 2)
      #expect(abs(error / Self.step / sum - 1) < 0.1)
      #expect(error < 1.1 * Self.step * .pi * .pi / 6)
    }
  }
}
