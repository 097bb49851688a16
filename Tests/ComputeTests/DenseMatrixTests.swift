import Compute
import LabCore
import Testing

struct DenseMatrixTests {
  private func random(_ rows: Int, _ columns: Int) -> DenseMatrix {
    var stream = Seed(3).stream("\(rows) \(columns)")
    return DenseMatrix(
      rows: rows, columns: columns, (0..<(rows * columns)).map { _ in stream.normal() })
  }

  /// Sizes around those of tiles and blocks.
  @Test(arguments: [(1, 1, 1), (7, 9, 5), (6, 8, 256), (13, 130, 257)])
  func productsAreSumsOfProducts(m: Int, n: Int, k: Int) {
    let (a, b) = (random(m, k), random(n, k))
    let product = a.timesTransposed(b)
    for row in 0..<m {
      for column in 0..<n {
        let sum = (0..<k).reduce(0.0) { $0 + a[row, $1] * b[column, $1] }
        #expect(abs(product[row, column] - sum) < 1e-11)
      }
    }
  }

  /// One matrix with two ridges: each solution is checked by multiplying, so that the matrix must
  /// have stayed.
  @Test(arguments: [1, 7, 128, 150])
  func factorsSolveWithOneRidgeAfterAnother(order: Int) {
    let half = random(order, order + 3)
    let matrix = half.timesTransposed(half)
    var factor = CholeskyMatrix(matrix)
    let target = random(1, order).values
    for ridge in [0.5, 3] {
      let isPositive = factor.factor(ridge: ridge)
      #expect(isPositive)
      let x = factor.solve(target)
      let back = zip(matrix.times(x), x).map { $0 + ridge * $1 }
      #expect(zip(back, target).allSatisfy { abs($0 - $1) < 1e-8 })
    }
  }

  @Test func whatIsNotPositiveDefiniteHasNoFactor() {
    var factor = CholeskyMatrix(DenseMatrix(rows: 2, columns: 2, [1, 2, 2, 1]))
    let without = factor.factor()
    let with = factor.factor(ridge: 1.5)
    #expect(!without && with)
  }
}
