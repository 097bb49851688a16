import Compute
import Foundation

/// A ReLU kernel of two points with its derivatives with respect to what it depends on of the
/// first.
struct KernelSlope {
  let value: Double
  /// By the covariance before the first hidden layer.
  let byCovariance: Double
  /// By the first point's own variance there.
  let byVariance: Double
}

extension NeuralKernel {
  /// The kernel of two points of variances a and c and covariance b before the first hidden layer,
  /// ReLU alone.
  ///
  /// With p = sqrt(ac - b^2): dk/da = p / (4 pi a), dk/db = k1, dk1/da = -b / (4 pi p a), dk1/db =
  /// 1 / (2 pi p).
  func slope(_ a: Double, _ b: Double, _ c: Double) -> KernelSlope {
    precondition(activation == .relu, "derivatives are those of ReLU")
    var (a, b, c) = (a, b, c)
    var (aByVariance, bByCovariance, bByVariance) = (1.0, 1.0, 0.0)
    var (tangent, tangentByCovariance, tangentByVariance) = (b, 1.0, 0.0)
    for _ in 0..<depth {
      let (value, slope) = activation.dual(a, b, c)
      let root = max(a * c - b * b, 1e-24 * a * c).squareRoot()
      let valueByA = root / (4 * .pi * a)
      let (slopeByA, slopeByB) = (-b / (4 * .pi * root * a), 1 / (2 * .pi * root))
      let covariance = (
        slopeByB * bByCovariance, slopeByB * bByVariance + slopeByA * aByVariance
      )
      bByVariance = weightVariance * (slope * bByVariance + valueByA * aByVariance)
      bByCovariance *= weightVariance * slope
      tangentByCovariance =
        bByCovariance + weightVariance * (covariance.0 * tangent + slope * tangentByCovariance)
      tangentByVariance =
        bByVariance + weightVariance * (covariance.1 * tangent + slope * tangentByVariance)
      b = weightVariance * value + biasVariance
      tangent = b + weightVariance * slope * tangent
      (a, c) = (
        0.5 * weightVariance * a + biasVariance, 0.5 * weightVariance * c + biasVariance
      )
      aByVariance *= 0.5 * weightVariance
    }
    return kind == .ntk
      ? KernelSlope(
        value: tangent, byCovariance: tangentByCovariance, byVariance: tangentByVariance)
      : KernelSlope(value: b, byCovariance: bByCovariance, byVariance: bByVariance)
  }

  /// The kernel of a point of variance a before the first hidden layer with itself, and its
  /// derivative by that.
  func ownSlope(_ a: Double) -> (value: Double, slope: Double) {
    var (variance, byVariance) = (a, 1.0)
    var (tangent, tangentByVariance) = (a, 1.0)
    for _ in 0..<depth {
      variance = 0.5 * weightVariance * variance + biasVariance
      byVariance *= 0.5 * weightVariance
      tangent = variance + 0.5 * weightVariance * tangent
      tangentByVariance = byVariance + 0.5 * weightVariance * tangentByVariance
    }
    return kind == .ntk ? (tangent, tangentByVariance) : (variance, byVariance)
  }

  /// The variance of each point before the first hidden layer.
  private func firstVariances(_ rows: DenseMatrix) -> [Double] {
    (0..<rows.rows).map { index in
      weightVariance * rows.row(index).reduce(0) { $0 + $1 * $1 } / Double(rows.columns)
        + biasVariance
    }
  }

  /// The gradient of the sum of weights (N, M) times the kernel of `rows` (N) with `others` (M),
  /// with respect to `rows`.
  ///
  /// Where `isGram` the others are the rows, whose weights are symmetric, and both sides count.
  func gradient(
    _ rows: DenseMatrix, _ others: DenseMatrix, weights: DenseMatrix, isGram: Bool
  ) -> DenseMatrix {
    let products = rows.timesTransposed(others)
    let (variances, otherVariances) = (firstVariances(rows), firstVariances(others))
    var pairs = DenseMatrix(rows: rows.rows, columns: others.rows)
    var own = [Double](repeating: 0, count: rows.rows)
    let scale = weightVariance / Double(rows.columns)
    for row in 0..<rows.rows {
      for column in 0..<others.rows {
        let weight = weights[row, column]
        if isGram, row == column {
          own[row] += weight * ownSlope(variances[row]).slope
          continue
        }
        let slope = slope(
          variances[row], scale * products[row, column] + biasVariance, otherVariances[column])
        let twice = isGram ? 2.0 : 1
        pairs[row, column] = twice * weight * slope.byCovariance
        own[row] += twice * weight * slope.byVariance
      }
    }
    var gradient = pairs.timesTransposed(others.transposed)
    for row in 0..<rows.rows {
      for column in 0..<rows.columns {
        gradient[row, column] =
          scale * (gradient[row, column] + 2 * own[row] * rows[row, column])
      }
    }
    return gradient
  }
}
