import CKernels
import Foundation

/// A matrix in double precision in the host's memory, for what single precision is too coarse for.
package struct DenseMatrix: Equatable, Sendable {
  package let rows: Int
  package let columns: Int
  /// Row-major.
  package var values: [Double]

  /// Keeps `rows` x `columns` values, zeros where none are given.
  package init(rows: Int, columns: Int, _ values: [Double]? = nil) {
    self.rows = rows
    self.columns = columns
    self.values = values ?? [Double](repeating: 0, count: rows * columns)
    precondition(self.values.count == rows * columns, "values are not \(rows) x \(columns)")
  }

  package subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  /// The values of one row.
  package func row(_ index: Int) -> ArraySlice<Double> {
    values[(index * columns)..<((index + 1) * columns)]
  }

  /// The rows with these indices.
  package func gathered(_ indices: [Int]) -> DenseMatrix {
    DenseMatrix(rows: indices.count, columns: columns, indices.flatMap(row))
  }

  package var transposed: DenseMatrix {
    var result = DenseMatrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns { result[column, row] = self[row, column] }
    }
    return result
  }

  /// This matrix (m, k) times the transpose of `other` (n, k).
  package func timesTransposed(_ other: DenseMatrix) -> DenseMatrix {
    precondition(columns == other.columns, "\(columns) columns against \(other.columns)")
    var result = DenseMatrix(rows: rows, columns: other.rows)
    unsafe result.values.withUnsafeMutableBufferPointer { c in
      unsafe values.withUnsafeBufferPointer { a in
        unsafe other.values.withUnsafeBufferPointer { b in
          guard let c = c.baseAddress, let a = a.baseAddress, let b = b.baseAddress else { return }
          unsafe kl_dense_product(
            c, other.rows, a, columns, b, columns, rows, other.rows, columns, 1)
        }
      }
    }
    return result
  }

  /// Adds `scale` times a matrix of the same shape.
  package mutating func add(_ other: DenseMatrix, scale: Double = 1) {
    precondition(rows == other.rows && columns == other.columns, "the shapes differ")
    for index in values.indices { values[index] += scale * other.values[index] }
  }

  /// This matrix times a column.
  package func times(_ vector: [Double]) -> [Double] {
    timesTransposed(DenseMatrix(rows: 1, columns: vector.count, vector)).values
  }
}

/// A symmetric matrix that is factored with one ridge after another, in place.
///
/// 8 n^2 bytes: the factor is below the diagonal, the matrix stays above it.
package struct CholeskyMatrix: Sendable {
  /// Rows and columns.
  package let order: Int
  private var values: [Double]
  private let diagonal: [Double]

  /// Takes a symmetric matrix; what is below its diagonal is not read.
  package init(_ matrix: consuming DenseMatrix) {
    precondition(matrix.rows == matrix.columns, "the matrix is not square")
    order = matrix.rows
    diagonal = (0..<matrix.rows).map { matrix[$0, $0] }
    values = matrix.values
  }

  package var meanDiagonal: Double { diagonal.reduce(0, +) / Double(max(1, order)) }

  /// Makes the factor L with L L^T = matrix + ridge I; false where a pivot is not above 0.
  package mutating func factor(ridge: Double = 0) -> Bool {
    let (order, diagonal) = (order, diagonal)
    return unsafe values.withUnsafeMutableBufferPointer { values in
      unsafe diagonal.withUnsafeBufferPointer { diagonal in
        guard let values = values.baseAddress, let diagonal = diagonal.baseAddress else {
          return true
        }
        return unsafe kl_dense_cholesky(values, order, diagonal, ridge) == 0
      }
    }
  }

  /// log det(matrix + ridge I), with the ridge of the last `factor`.
  package var logDeterminant: Double {
    2 * (0..<order).reduce(0) { $0 + log(values[$1 * order + $1]) }
  }

  /// L^-1 x for each row x; `factor` must have been called.
  package func solvedLower(_ rows: consuming DenseMatrix) -> DenseMatrix {
    var rows = rows
    let (order, count) = (order, rows.rows)
    precondition(rows.columns == order, "rows of \(rows.columns) values for \(order)")
    unsafe rows.values.withUnsafeMutableBufferPointer { x in
      unsafe values.withUnsafeBufferPointer { factor in
        guard let x = x.baseAddress, let factor = factor.baseAddress else { return }
        unsafe kl_dense_solve_lower(factor, order, x, count)
      }
    }
    return rows
  }

  /// (L + shift I)^-1 x; `factor` must have been called.
  package func solvedLower(_ x: [Double], shift: Double) -> [Double] {
    var x = x
    for row in 0..<order {
      var left = x[row]
      for column in 0..<row { left -= values[row * order + column] * x[column] }
      x[row] = left / (values[row * order + row] + shift)
    }
    return x
  }

  /// L^-T x for each row x; `factor` must have been called.
  package func solvedUpper(_ rows: consuming DenseMatrix) -> DenseMatrix {
    var rows = rows
    let (order, count) = (order, rows.rows)
    precondition(rows.columns == order, "rows of \(rows.columns) values for \(order)")
    unsafe rows.values.withUnsafeMutableBufferPointer { x in
      unsafe values.withUnsafeBufferPointer { factor in
        guard let x = x.baseAddress, let factor = factor.baseAddress else { return }
        unsafe kl_dense_solve_upper(factor, order, x, count)
      }
    }
    return rows
  }

  /// (matrix + ridge I)^-1 x, with the ridge of the last `factor`.
  package func solve(_ x: [Double]) -> [Double] {
    solvedUpper(solvedLower(DenseMatrix(rows: 1, columns: order, x))).values
  }
}
