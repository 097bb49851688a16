package import Compute
import Foundation
import LabCore

/// A function of points: the sum over kept points z of weight times kernel(x, z), or over a
/// sketch's features, plus an offset.
package struct KernelMachine: Equatable, Sendable {
  package let kernel: NeuralKernel
  /// The kept points, a row each; none with a sketch.
  package let points: DenseMatrix
  package var sketch: KernelSketch?
  package let weights: [Double]
  package let offset: Double

  /// Its value at each row of points.
  package func values(_ rows: DenseMatrix) -> [Double] {
    let kept = kernel.points(points)
    func features(_ part: DenseMatrix) -> DenseMatrix {
      sketch?.features(part) ?? kernel.cross(kernel.points(part), kept)
    }
    var values: [Double] = []
    for start in stride(from: 0, to: rows.rows, by: KernelRegression.chunk) {
      let part = rows.gathered(Array(start..<min(start + KernelRegression.chunk, rows.rows)))
      values += features(part).times(weights)
    }
    return values.map { $0 + offset }
  }
}

/// Kernel ridge regression on targets less their mean: the posterior mean of a Gaussian process
/// with the ridge as its noise.
package struct KernelRegression {
  package let kernel: NeuralKernel
  /// The points learned from, a row each, with a target each.
  package let points: DenseMatrix
  package let targets: [Double]

  /// Ridges that are tried, as shares of the kernel's mean diagonal: the largest first, which wins
  /// a tie.
  package static let ridges = (-4...3).reversed().map { pow(10, Double($0)) }
  /// Rows whose kernels with the kept points are made at once.
  static let chunk = 2_048

  package init(_ kernel: NeuralKernel, points: DenseMatrix, targets: [Double]) {
    precondition(points.rows == targets.count, "one target for each point")
    self.kernel = kernel
    self.points = points
    self.targets = targets
  }

  private var offset: Double { targets.reduce(0, +) / Double(max(1, targets.count)) }

  /// The machine of the ridge whose values at `others` have the best `quality`, with that ridge and
  /// quality.
  ///
  /// With landmarks their rows of `points` are kept, and the kernel is the one that they span; with
  /// a sketch none is kept, and the kernel is that of its features. Throws `LabError` where no
  /// matrix could be factored, and `LabError.interrupted` when asked to stop.
  package func best(
    landmarks: [Int]? = nil, sketch: KernelSketch? = nil, others: DenseMatrix,
    shouldStop: () -> Bool = { false },
    quality: ([Double]) throws -> Double
  ) throws -> (machine: KernelMachine, ridge: Double, quality: Double) {
    let offset = offset
    let centred = targets.map { $0 - offset }
    let all = kernel.points(points)
    let scale = all.diagonal.reduce(0, +) / Double(max(1, all.count))
    let kept = points.gathered(sketch == nil ? landmarks ?? Array(0..<points.rows) : [])
    let keptPoints = kernel.points(kept)
    var span: CholeskyMatrix?
    var matrix: CholeskyMatrix
    var right = centred
    if let sketch {
      (matrix, right) = normal(centred, sketch.features)
    } else if landmarks == nil {
      matrix = CholeskyMatrix(kernel.gram(all))
    } else {
      let own = try spanned(kept, scale)
      (matrix, right) = normal(centred) {
        own.solvedLower(kernel.cross(kernel.points($0), keptPoints))
      }
      span = own
    }
    let cross =
      sketch?.features(others) ?? kernel.cross(kernel.points(others), keptPoints)
    var best: (weights: [Double], ridge: Double, quality: Double)?
    for share in Self.ridges {
      if shouldStop() { throw LabError.interrupted("stopped while \(kernel.name) was fitted") }
      let ridge = share * scale
      guard matrix.factor(ridge: ridge) else { continue }
      var weights = matrix.solve(right)
      if let span {
        weights = span.solvedUpper(DenseMatrix(rows: 1, columns: weights.count, weights)).values
      }
      let quality = try quality(cross.times(weights).map { $0 + offset })
      if quality > best?.quality ?? -.infinity { best = (weights, ridge, quality) }
    }
    guard let best else {
      throw LabError(
        "the kernel \(kernel.name) cannot be factored with any ridge: its values are not numbers",
        .failure)
    }
    return (
      KernelMachine(
        kernel: kernel, points: kept, sketch: sketch, weights: best.weights, offset: offset),
      best.ridge, best.quality
    )
  }

  /// The factor of the kernel among landmarks, which may be all but dependent.
  private func spanned(_ landmarks: DenseMatrix, _ scale: Double) throws -> CholeskyMatrix {
    var matrix = CholeskyMatrix(kernel.gram(kernel.points(landmarks)))
    for share in [1e-12, 1e-10, 1e-8, 1e-6] where matrix.factor(ridge: share * scale) {
      return matrix
    }
    throw LabError("the kernel \(kernel.name) of the landmarks cannot be factored", .failure)
  }

  /// Phi^T Phi and Phi^T y of features Phi of the points, some rows at a time.
  private func normal(
    _ targets: [Double], _ features: (DenseMatrix) -> DenseMatrix
  ) -> (matrix: CholeskyMatrix, right: [Double]) {
    var sum = DenseMatrix(rows: 0, columns: 0)
    var right: [Double] = []
    for start in stride(from: 0, to: points.rows, by: Self.chunk) {
      let rows = Array(start..<min(start + Self.chunk, points.rows))
      let features = features(points.gathered(rows)).transposed
      if start == 0 {
        sum = DenseMatrix(rows: features.rows, columns: features.rows)
        right = [Double](repeating: 0, count: features.rows)
      }
      sum.add(features.timesTransposed(features))
      for (index, value) in features.times(rows.map { targets[$0] }).enumerated() {
        right[index] += value
      }
    }
    return (CholeskyMatrix(sum), right)
  }

  /// How far the kernel that landmarks span, or a sketch's features have, is from the whole one:
  /// relative Frobenius error among the points.
  ///
  /// Throws `LabError` where the landmarks' kernel cannot be factored.
  package func error(
    ofLandmarks landmarks: DenseMatrix, sketch: KernelSketch? = nil
  ) throws -> Double {
    let all = kernel.points(points)
    let scale = all.diagonal.reduce(0, +) / Double(max(1, all.count))
    let features =
      try sketch?.features(points)
      ?? spanned(landmarks, scale).solvedLower(kernel.cross(all, kernel.points(landmarks)))
    let exact = kernel.gram(all).values
    let approximate = features.timesTransposed(features).values
    let error = zip(exact, approximate).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (error / exact.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }
}

/// The posterior of a Gaussian process with mean 0 at some points, in closed form.
package struct GaussianPosterior: Sendable {
  package let mean: [Double]
  package let covariance: DenseMatrix

  /// Conditions on targets that are seen with independent noise of variance `noise`.
  ///
  /// Throws `LabError` where the kernel and noise are not positive definite.
  package init(
    _ kernel: NeuralKernel, points: DenseMatrix, targets: [Double], noise: Double,
    at others: DenseMatrix
  ) throws {
    let (seen, asked) = (kernel.points(points), kernel.points(others))
    var matrix = CholeskyMatrix(kernel.gram(seen))
    guard matrix.factor(ridge: noise) else {
      throw LabError("the kernel \(kernel.name) with noise \(noise) is not positive definite")
    }
    let cross = kernel.cross(asked, seen)
    mean = cross.times(matrix.solve(targets))
    let half = matrix.solvedLower(cross)
    var covariance = kernel.gram(asked)
    covariance.add(half.timesTransposed(half), scale: -1)
    self.covariance = covariance
  }
}
