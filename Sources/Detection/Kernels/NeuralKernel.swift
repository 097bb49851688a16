package import Compute
import LabCore

/// The kernel of an infinitely wide fully connected network in NTK parameterisation, every layer
/// with a bias.
///
/// K0 = w2 x.x' / d + b2 and T0 = K0; each hidden layer K <- w2 E f f + b2, T <- K + w2 E f' f' T,
/// with the Gaussian of covariance K before the layer (Jacot et al. 2018; Lee et al. 2019). The
/// NNGP is K, the NTK is T.
package struct NeuralKernel: Hashable, Sendable {
  /// Before or after training.
  package enum Kind: String, Codable, CaseIterable, Sendable {
    /// The law of the network's outputs before training: a Gaussian process.
    case nngp
    /// What gradient descent on the squared error follows at infinite width.
    case ntk
  }

  package let kind: Kind
  package let activation: KernelActivation
  /// Hidden layers.
  package let depth: Int
  /// Variance of the weights times their number of inputs.
  package var weightVariance = 2.0
  package var biasVariance = 0.01
  /// Where to cut the Hermite series; nil for the closed form where there is one.
  package var seriesDegree: Int?

  package static let depths = 1...4

  package init(_ kind: Kind, _ activation: KernelActivation, depth: Int) {
    self.kind = kind
    self.activation = activation
    self.depth = depth
  }

  /// "ntk-relu-2".
  package var name: String { "\(kind.rawValue)-\(activation.rawValue)-\(depth)" }

  /// Rows of points with what the kernel needs of each alone.
  package struct Points: Sendable {
    package let rows: DenseMatrix
    /// Variance before each hidden layer, a stretch of all points for each layer.
    fileprivate var variances: [Double] = []
    /// Hermite coefficients over powers of the deviation, a stretch for each layer; empty with a
    /// closed form.
    fileprivate var coefficients: [[Double]] = []
    /// The kernel of each point with itself.
    package fileprivate(set) var diagonal: [Double] = []

    package var count: Int { rows.rows }
  }

  /// Measures the points, a row each.
  package func points(_ rows: DenseMatrix) -> Points {
    var points = Points(rows: rows)
    let series = series
    var variances = (0..<rows.rows).map { index in
      let square = rows.row(index).reduce(0) { $0 + $1 * $1 }
      return weightVariance * square / Double(rows.columns) + biasVariance
    }
    var tangents = variances
    for _ in 0..<depth {
      points.variances += variances
      let coefficients = series.map { series in
        variances.flatMap { series.coefficients(deviation: $0.squareRoot()) }
      }
      for index in variances.indices {
        let a = variances[index]
        let (value, slope) =
          coefficients.map { Self.sum($0, index, $0, index, series?.degree ?? 0, a, a, a) }
          ?? activation.dual(a, a, a)
        variances[index] = weightVariance * value + biasVariance
        tangents[index] = variances[index] + weightVariance * slope * tangents[index]
      }
      if let coefficients { points.coefficients.append(coefficients) }
    }
    points.diagonal = kind == .ntk ? tangents : variances
    return points
  }

  /// The kernel between all of some points and all of others.
  package func cross(_ left: Points, _ right: Points) -> DenseMatrix {
    var result = left.rows.timesTransposed(right.rows)
    for row in 0..<left.count {
      for column in 0..<right.count {
        result[row, column] = value(left, row, right, column, product: result[row, column])
      }
    }
    return result
  }

  /// The kernel among some points.
  package func gram(_ points: Points) -> DenseMatrix {
    let count = points.count
    var result = points.rows.timesTransposed(points.rows)
    for row in 0..<count {
      result[row, row] = points.diagonal[row]
      for column in (row + 1)..<max(count, row + 1) {
        let value = value(points, row, points, column, product: result[row, column])
        result[row, column] = value
        result[column, row] = value
      }
    }
    return result
  }

  private var series: HermiteSeries? {
    activation.hasClosedForm && seriesDegree == nil
      ? nil : HermiteSeries(activation, degree: seriesDegree ?? HermiteSeries.degree)
  }

  /// The kernel of two points whose inner product is known.
  private func value(
    _ left: Points, _ row: Int, _ right: Points, _ column: Int, product: Double
  ) -> Double {
    var covariance = weightVariance * product / Double(left.rows.columns) + biasVariance
    var tangent = covariance
    for layer in 0..<depth {
      let a = left.variances[layer * left.count + row]
      let c = right.variances[layer * right.count + column]
      let (value, slope) =
        left.coefficients.isEmpty
        ? activation.dual(a, covariance, c)
        : Self.sum(
          left.coefficients[layer], row, right.coefficients[layer], column,
          left.coefficients[layer].count / left.count - 1, a, covariance, c)
      covariance = weightVariance * value + biasVariance
      tangent = covariance + weightVariance * slope * tangent
    }
    return kind == .ntk ? tangent : covariance
  }

  /// The Hermite series of E f f and E f' f' for two points of some coefficients.
  private static func sum(
    _ left: [Double], _ row: Int, _ right: [Double], _ column: Int, _ degree: Int,
    _ a: Double, _ b: Double, _ c: Double
  ) -> (value: Double, slope: Double) {
    let scale = (max(a, 1e-12) * max(c, 1e-12)).squareRoot()
    let correlation = min(max(b / scale, -1), 1)
    let (first, second) = (row * (degree + 1), column * (degree + 1))
    var (value, slope, power) = (left[first] * right[second], 0.0, 1.0)
    for order in 1..<max(degree + 1, 1) {
      let product = left[first + order] * right[second + order]
      slope += Double(order) * product * power
      power *= correlation
      value += product * power
    }
    return (value, slope / scale)
  }
}
