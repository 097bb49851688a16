package import Compute
import Foundation

/// A network of one hidden layer with a standard normal prior on all parameters, seen through
/// Gaussian noise.
///
/// f(x) = gelu(sqrt(2 / d) W x + b h) . v / sqrt(N) + b o in NTK parameterisation, with b = 0.1,
/// its parameters W (N, d), h (N), v (N) and o in this order.
package struct BayesianNetwork: Hashable, Sendable {
  /// N.
  package let width: Int
  /// d.
  package let inputs: Int

  package init(width: Int, inputs: Int) {
    self.width = width
    self.inputs = inputs
  }

  package static let biasScale = 0.1

  package var parameterCount: Int { width * (inputs + 2) + 1 }

  /// Floating-point operations of the posterior's gradient from so many rows, about.
  package func operations(rows: Int, isRepriorised: Bool) -> Double {
    let (n, w, d) = (Double(rows), Double(width), Double(inputs))
    let order = min(n, w)
    let solving = isRepriorised ? 6 * n * w * order + order * order * order / 3 : 0
    return 6 * n * w * d + solving + 200 * n * w
  }

  var hiddenCount: Int { width * (inputs + 1) }
  private var inputScale: Double { (2 / Double(inputs)).squareRoot() }

  /// What enters the hidden units, shape (rows, N).
  func sums(_ parameters: [Double], _ rows: DenseMatrix) -> DenseMatrix {
    let weights = DenseMatrix(
      rows: width, columns: inputs, Array(parameters[..<(width * inputs)]))
    var sums = rows.timesTransposed(weights)
    for row in 0..<rows.rows {
      for unit in 0..<width {
        sums[row, unit] =
          inputScale * sums[row, unit] + Self.biasScale * parameters[width * inputs + unit]
      }
    }
    return sums
  }

  /// The hidden layer at some rows.
  struct Hidden {
    /// What enters the units, and the normal probabilities below it; shape (rows, N).
    let sums: DenseMatrix
    let shares: DenseMatrix
    /// What the read-out multiplies: units over sqrt(N), then b; shape (rows, N + 1).
    let features: DenseMatrix
  }

  func hidden(_ parameters: [Double], _ rows: DenseMatrix) -> Hidden {
    let sums = sums(parameters, rows)
    var shares = sums
    var features = DenseMatrix(rows: sums.rows, columns: width + 1)
    let (scale, root) = (1 / Double(width).squareRoot(), 0.5.squareRoot())
    for row in 0..<sums.rows {
      for unit in 0..<width {
        let x = sums[row, unit]
        let share = 0.5 * erfc(-x * root)
        shares[row, unit] = share
        features[row, unit] = scale * x * share
      }
      features[row, width] = Self.biasScale
    }
    return Hidden(sums: sums, shares: shares, features: features)
  }

  /// Deviations of noise that are tried; verdicts of 1 and -1 less their mean deviate by 1 at most.
  package static let noises = (6...20).map { Double($0) / 20 }

  /// The noise with which an infinitely wide network of this kind makes the targets likeliest: log
  /// N(y; 0, K + sigma^2 I).
  ///
  /// A smaller one than what no network explains makes a posterior of many narrow modes, between
  /// which no chain finds a way.
  package func likeliestNoise(_ rows: DenseMatrix, _ targets: [Double]) -> Double {
    let kernel = NeuralKernel(.nngp, .gelu, depth: 1)
    // The read-out's weights have variance 1 here, and 2 in the kernel.
    let bias = Self.biasScale * Self.biasScale
    let gram = kernel.gram(kernel.points(rows))
    var matrix = CholeskyMatrix(
      DenseMatrix(
        rows: gram.rows, columns: gram.columns, gram.values.map { 0.5 * ($0 - bias) + bias }))
    func energy(_ noise: Double) -> Double {
      guard matrix.factor(ridge: noise * noise) else { return .infinity }
      let explained = zip(targets, matrix.solve(targets)).reduce(0) { $0 + $1.0 * $1.1 }
      return 0.5 * (explained + matrix.logDeterminant)
    }
    return Self.noises.map { ($0, energy($0)) }.min { $0.1 < $1.1 }?.0 ?? 1
  }

  /// Outputs of a network at some rows.
  package func values(_ parameters: [Double], _ rows: DenseMatrix) -> [Double] {
    hidden(parameters, rows).features.times(Array(parameters[hiddenCount...]))
  }

  /// The gradient by W and h of what has the gradient `byFeatures` (rows, N + 1) by the features.
  func hiddenGradient(
    _ hidden: Hidden, byFeatures: DenseMatrix, transposed: DenseMatrix
  ) -> [Double] {
    var slopes = DenseMatrix(rows: width, columns: hidden.sums.rows)
    let scale = 1 / Double(width).squareRoot()
    let height = 1 / (2 * Double.pi).squareRoot()
    for row in 0..<hidden.sums.rows {
      for unit in 0..<width {
        let x = hidden.sums[row, unit]
        // d/dx x Phi(x) = Phi(x) + x phi(x).
        let slope = hidden.shares[row, unit] + height * x * exp(-0.5 * x * x)
        slopes[unit, row] = scale * byFeatures[row, unit] * slope
      }
    }
    let weights = slopes.timesTransposed(transposed).values.map { inputScale * $0 }
    return weights + (0..<width).map { Self.biasScale * slopes.row($0).reduce(0, +) }
  }
}

/// The posterior over a network's parameters, as they are or repriorised (arXiv 2206.07673).
///
/// Repriorised, hidden parameters stay and the read-out is theta = mu + sigma R^-1 phi with R^T R =
/// G = Psi^T Psi + sigma^2 I and mu = G^-1 Psi^T y, Psi the features: the posterior of phi nears a
/// standard normal as the width grows.
package struct BayesianPosterior: Sendable {
  package let network: BayesianNetwork
  package let isRepriorised: Bool
  /// sigma.
  package let noise: Double
  private let rows: DenseMatrix
  private let transposed: DenseMatrix
  private let targets: [Double]
  /// Whether a matrix of examples is factored, K = Psi Psi^T + sigma^2 I, and not one of units.
  ///
  /// With K = L L^T the read-out is theta = mu + (I - Psi^T L^-T (L + sigma I)^-1 Psi) phi (Andrews
  /// 1968), of the same law.
  private let solvesByRows: Bool

  var exampleCount: Int { targets.count }

  /// Rows (n, d) with a target each, seen with noise of this deviation.
  ///
  /// By default the smaller of two matrices is factored, that of examples or that of units.
  package init(
    _ network: BayesianNetwork, rows: DenseMatrix, targets: [Double], noise: Double,
    isRepriorised: Bool, byRows: Bool? = nil
  ) {
    self.network = network
    solvesByRows = byRows ?? (targets.count <= network.width)
    self.rows = rows
    transposed = rows.transposed
    self.targets = targets
    self.noise = noise
    self.isRepriorised = isRepriorised
  }

  /// A place in the space that is sampled, with all that a step needs.
  package struct Point: Sendable {
    package let coordinates: [Double]
    /// -log of the density up to a constant: half of sum(theta^2 - 1) and of sum((y - f)^2 -
    /// sigma^2) / sigma^2, less log |d theta / d phi|.
    package let energy: Double
    package let gradient: [Double]
    /// theta: the network's parameters.
    package let parameters: [Double]
  }

  /// Energy and gradient at `coordinates`; nil where no matrix can be factored.
  package func point(_ coordinates: [Double]) -> Point? {
    let inner = Array(coordinates[..<network.hiddenCount])
    let own = Array(coordinates[network.hiddenCount...])
    let hidden = network.hidden(coordinates, rows)
    let features = hidden.features
    let variance = noise * noise
    let constant = 0.5 * Double(coordinates.count + targets.count)
    func square(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
    func point(
      _ energy: Double, _ byFeatures: DenseMatrix, _ byOwn: [Double], _ readOut: [Double]
    ) -> Point {
      let byHidden = network.hiddenGradient(
        hidden, byFeatures: byFeatures, transposed: transposed)
      return Point(
        coordinates: coordinates,
        energy: 0.5 * square(inner) + energy - constant,
        gradient: zip(inner, byHidden).map { $0 + $1 } + byOwn, parameters: inner + readOut)
    }
    /// -r u^T / sigma^2.
    func outer(_ residuals: [Double], _ right: [Double]) -> DenseMatrix {
      DenseMatrix(
        rows: residuals.count, columns: right.count,
        residuals.flatMap { residual in right.map { -residual * $0 / variance } })
    }
    func residuals(_ readOut: [Double]) -> [Double] {
      zip(targets, features.times(readOut)).map { $0 - $1 }
    }
    let columns = features.transposed
    guard isRepriorised else {
      let left = residuals(own)
      let pulled = columns.times(left)
      return point(
        0.5 * square(own) + 0.5 * square(left) / variance, outer(left, own),
        zip(own, pulled).map { $0 - $1 / variance }, own)
    }
    if solvesByRows {
      var gram = CholeskyMatrix(features.timesTransposed(features))
      guard gram.factor(ridge: variance) else { return nil }
      let weights = gram.solve(targets)
      let mean = columns.times(weights)
      let explained = zip(targets, weights).reduce(0) { $0 + $1.0 * $1.1 }
      var byFeatures = gram.solvedUpper(gram.solvedLower(columns)).transposed
      byFeatures.add(outer(weights.map { variance * $0 }, mean))
      let pulled = gram.solvedUpper(
        DenseMatrix(
          rows: 1, columns: targets.count,
          gram.solvedLower(features.times(own), shift: noise)))
      let spread = zip(own, columns.times(pulled.values)).map { $0 - $1 }
      return point(
        0.5 * (square(own) + explained + gram.logDeterminant)
          - Double(targets.count) * log(noise),
        byFeatures, own, zip(mean, spread).map { $0 + $1 })
    }
    var matrix = CholeskyMatrix(columns.timesTransposed(columns))
    guard matrix.factor(ridge: variance) else { return nil }
    let seen = columns.times(targets)
    let mean = matrix.solve(seen)
    let left = residuals(mean)
    // The read-out's own coordinates are standard normal whatever the features are: what is left is
    // the marginal likelihood.
    let explained = zip(seen, mean).reduce(0) { $0 + $1.0 * $1.1 }
    let energy =
      0.5 * square(own) + 0.5 * (square(targets) - explained) / variance
      + 0.5 * matrix.logDeterminant - Double(own.count) * log(noise)
    var byFeatures = matrix.solvedUpper(matrix.solvedLower(features))
    byFeatures.add(outer(left, mean))
    let spread = matrix.solvedUpper(DenseMatrix(rows: 1, columns: own.count, own)).values
    return point(
      energy, byFeatures, own, zip(mean, spread).map { $0 + noise * $1 })
  }
}
