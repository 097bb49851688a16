import Foundation

/// EigenScore of INSIDE (arXiv 2402.03744): how far apart the embeddings of K completions are.
package enum EigenScore {
  /// Added to the covariance's diagonal.
  package static let regularization = 1e-3

  /// The mean log eigenvalue of Z J Z^T + alpha I, with the K embeddings as rows of Z and J
  /// centring each.
  ///
  /// It is the log-determinant over K. Equal embeddings count as often as they occur.
  package static func value(_ embeddings: [(values: ArraySlice<Float>, count: Int)]) -> Double {
    let rows = embeddings.flatMap { embedding -> [[Double]] in
      let values = embedding.values.map(Double.init)
      let mean = values.reduce(0, +) / Double(max(1, values.count))
      return Array(repeating: values.map { $0 - mean }, count: embedding.count)
    }
    var matrix = rows.map { a in rows.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
    for index in rows.indices { matrix[index][index] += regularization }
    return SymmetricMatrix(matrix).logDeterminant / Double(max(1, rows.count))
  }
}

/// A symmetric positive definite matrix by its Cholesky factor L, with L L^T the matrix.
struct SymmetricMatrix {
  /// Row r has r + 1 values.
  private let factor: [[Double]]

  /// Pivots that rounding has made 0 or less are raised to a trace of the largest.
  init(_ matrix: [[Double]]) {
    let floor = 1e-12 * max(1e-300, matrix.indices.map { matrix[$0][$0] }.max() ?? 1)
    var factor: [[Double]] = []
    factor.reserveCapacity(matrix.count)
    for row in matrix.indices {
      var own = [Double](repeating: 0, count: row + 1)
      for column in 0..<row {
        let other = factor[column]
        var sum = matrix[row][column]
        for index in 0..<column { sum -= own[index] * other[index] }
        own[column] = sum / other[column]
      }
      var rest = matrix[row][row]
      for index in 0..<row { rest -= own[index] * own[index] }
      own[row] = max(rest, floor).squareRoot()
      factor.append(own)
    }
    self.factor = factor
  }

  var logDeterminant: Double {
    2 * factor.indices.reduce(0) { $0 + log(factor[$1][$1]) }
  }

  /// M^-1 x.
  func solve(_ x: [Double]) -> [Double] {
    var y = x
    for row in factor.indices {
      let own = factor[row]
      var value = y[row]
      for index in 0..<row { value -= own[index] * y[index] }
      y[row] = value / own[row]
    }
    for row in factor.indices.reversed() {
      let own = factor[row]
      let value = y[row] / own[row]
      y[row] = value
      for index in 0..<row { y[index] -= own[index] * value }
    }
    return y
  }

  /// sqrt(x^T M^-1 x).
  func distance(_ x: [Double]) -> Double {
    var solved = x
    var sum = 0.0
    for row in factor.indices {
      let own = factor[row]
      var value = solved[row]
      for index in 0..<row { value -= own[index] * solved[index] }
      solved[row] = value / own[row]
      sum += solved[row] * solved[row]
    }
    return sum.squareRoot()
  }
}
