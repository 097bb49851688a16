/// Shifts and scales each column to mean 0 and standard deviation 1 on the training part.
package struct Standardizer: Equatable, Sendable {
  package let means: [Float]
  /// 1 / standard deviation; 0 for a column that does not vary, which is thereby ignored.
  package let inverseDeviations: [Float]

  package var width: Int { means.count }

  /// Keeps the numbers of an earlier fit, one for each column.
  package init(means: [Float], inverseDeviations: [Float]) {
    self.means = means
    self.inverseDeviations = inverseDeviations
  }

  /// Measures the columns of `features`, shape (N, width), over `rows`; sums are in double
  /// precision.
  package init(fitting features: [Float], width: Int, rows: [Int]) {
    var means = [Double](repeating: 0, count: width)
    for row in rows {
      for column in 0..<width { means[column] += Double(features[row * width + column]) }
    }
    let count = Double(max(1, rows.count))
    for column in 0..<width { means[column] /= count }
    var squares = [Double](repeating: 0, count: width)
    for row in rows {
      for column in 0..<width {
        let distance = Double(features[row * width + column]) - means[column]
        squares[column] += distance * distance
      }
    }
    self.means = means.map(Float.init)
    inverseDeviations = zip(squares, means).map { square, mean in
      let deviation = (square / count).squareRoot()
      // Rounding alone makes a constant column vary by about this much.
      return deviation > 1e-6 * abs(mean) + 1e-30 ? Float(1 / deviation) : 0
    }
  }

  /// The standardised `features`, shape (N, width).
  package func apply(_ features: [Float]) -> [Float] {
    precondition(features.count % max(width, 1) == 0, "features are not rows of \(width)")
    var result = features
    for start in stride(from: 0, to: features.count, by: max(width, 1)) {
      for column in 0..<width {
        result[start + column] =
          (features[start + column] - means[column]) * inverseDeviations[column]
      }
    }
    return result
  }
}
