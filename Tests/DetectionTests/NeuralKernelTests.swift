import Compute
import Detection
import Foundation
import LabCore
import TestSupport
import Testing

/// Kernels of infinitely wide networks against neural-tangents, finite networks and each other.
struct NeuralKernelTests {
  /// Fixtures/kernels.json, which Fixtures/make_kernels.py makes with neural-tangents.
  private struct File: Decodable {
    struct Kernel: Decodable {
      let activation: String
      let depth: Int
      let w2: Double
      let b2: Double
      let nngp: [[Double]]
      let ntk: [[Double]]
    }
    struct Posterior: Decodable {
      let y: [Double]
      let noise: Double
      let mean: [Double]
      let covariance: [[Double]]
    }
    let x: [[Double]]
    let kernels: [Kernel]
    let posterior: Posterior
  }

  private let file: File

  init() throws { file = try Repository.fixture("kernels.json", as: File.self) }

  private func matrix(_ rows: [[Double]]) -> DenseMatrix {
    DenseMatrix(rows: rows.count, columns: rows[0].count, rows.flatMap(\.self))
  }

  private func largest(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? .infinity
  }

  private func kernel(_ kind: NeuralKernel.Kind, _ row: File.Kernel) throws -> NeuralKernel {
    var kernel = NeuralKernel(
      kind, try #require(KernelActivation(rawValue: row.activation)), depth: row.depth)
    (kernel.weightVariance, kernel.biasVariance) = (row.w2, row.b2)
    return kernel
  }

  @Test func kernelsAreThoseOfNeuralTangents() throws {
    #expect(file.kernels.count == 40)
    let x = matrix(file.x)
    for row in file.kernels {
      for (kind, expected) in [(NeuralKernel.Kind.nngp, row.nngp), (.ntk, row.ntk)] {
        let kernel = try kernel(kind, row)
        let points = kernel.points(x)
        let tolerance = kernel.activation.hasClosedForm ? 1e-9 : 1e-6
        let values = expected.flatMap(\.self)
        #expect(largest(kernel.gram(points).values, values) < tolerance, "\(kernel.name) \(row.b2)")
        // Of one set of points with another: all but the diagonal, where rounding is not mended.
        let first = x.gathered([0, 1, 2])
        let cross = kernel.cross(kernel.points(first), kernel.points(x.gathered([3, 4])))
        let part = expected[..<3].flatMap { $0[3...] }
        #expect(largest(cross.values, part) < tolerance, "\(kernel.name) \(row.b2)")
      }
    }
  }

  @Test(arguments: [KernelActivation.erf, .gelu, .gaussian])
  func seriesAreTheClosedFormsAtAnyNorm(activation: KernelActivation) {
    // Variances |x|^2 + 0.01 at angles of 0 to 1.3. Of GELU, which is smoother, norms far apart.
    let x = matrix(
      (activation == .gelu ? [0.5, 1, 2] : [0.3, 0.7, 1]).flatMap { norm in
        [0, 0.4, 1.3].map { [norm * cos($0), norm * sin($0)] }
      })
    for kind in NeuralKernel.Kind.allCases {
      let closed = NeuralKernel(kind, activation, depth: 1)
      var series = closed
      series.seriesDegree = 64
      #expect(
        largest(series.gram(series.points(x)).values, closed.gram(closed.points(x)).values) < 1e-6)
    }
  }

  /// Random networks of one hidden layer: the error of their tangent kernels falls as 1 /
  /// sqrt(width).
  @Test(arguments: [KernelActivation.relu, .erf])
  func wideNetworksConvergeAtTheKnownRate(activation: KernelActivation) {
    let kernel = NeuralKernel(.ntk, activation, depth: 1)
    let (x, y) = ([0.6, -1.2, 0.3], [1.0, 0.4, -0.7])
    let exact = kernel.cross(kernel.points(matrix([x])), kernel.points(matrix([y])))[0, 0]
    let (w, b) = (kernel.weightVariance.squareRoot(), kernel.biasVariance.squareRoot())
    func slope(_ u: Double) -> Double {
      activation == .relu ? (u > 0 ? 1 : 0) : 2 / Double.pi.squareRoot() * exp(-u * u)
    }
    let base = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } * w * w / 3 + b * b
    var stream = Seed(5).stream("networks")
    func error(_ width: Int, _ draws: Int) -> (deviation: Double, mean: Double) {
      let errors = (0..<draws).map { _ in
        var tangent = b * b
        for _ in 0..<width {
          let weights = (0..<3).map { _ in stream.normal() }
          let (bias, out) = (b * stream.normal(), stream.normal())
          func input(_ x: [Double]) -> Double {
            zip(weights, x).reduce(bias) { $0 + w * $1.0 * $1.1 / 3.0.squareRoot() }
          }
          let (u, v) = (input(x), input(y))
          // Of the read-out's weights, then of the hidden layer's weights and bias.
          tangent += w * w / Double(width) * activation.value(u) * activation.value(v)
          tangent += w * w / Double(width) * out * out * slope(u) * slope(v) * base
        }
        return tangent - exact
      }
      let mean = errors.reduce(0, +) / Double(draws)
      return ((errors.reduce(0) { $0 + $1 * $1 } / Double(draws)).squareRoot(), mean)
    }
    let (narrow, wide) = (error(8, 2_000), error(128, 500))
    // Unbiased at every width, and 4 times less spread at 16 times the width: 0.5 +- 0.05 in the
    // exponent.
    #expect(abs(wide.mean) < 4 * wide.deviation / 500.0.squareRoot())
    #expect(abs(log(narrow.deviation / wide.deviation) / log(16) - 0.5) < 0.05)
  }

  @Test func posteriorsAreThoseOfNeuralTangents() throws {
    var kernel = NeuralKernel(.nngp, .erf, depth: 2)
    (kernel.weightVariance, kernel.biasVariance) = (2.25, 0.01)
    let x = matrix(file.x)
    let posterior = try GaussianPosterior(
      kernel, points: x.gathered([0, 1, 2]), targets: file.posterior.y,
      noise: file.posterior.noise, at: x.gathered([3, 4]))
    #expect(largest(posterior.mean, file.posterior.mean) < 1e-9)
    #expect(
      largest(posterior.covariance.values, file.posterior.covariance.flatMap(\.self)) < 1e-9)
  }

  // MARK: Regression

  private func random(_ rows: Int, _ name: String) -> DenseMatrix {
    var stream = Seed(9).stream(name)
    return DenseMatrix(rows: rows, columns: 3, (0..<(3 * rows)).map { _ in stream.normal() })
  }

  /// Of the best ridge, (K + ridge I) weights = targets less their mean; landmarks that are all
  /// points change nothing.
  @Test func landmarksApproachTheExactMachine() throws {
    let (points, others) = (random(120, "points"), random(40, "others"))
    func target(_ x: DenseMatrix) -> [Double] {
      (0..<x.rows).map { sin(2 * x[$0, 0]) + x[$0, 1] * x[$0, 2] }
    }
    let regression = KernelRegression(
      NeuralKernel(.ntk, .relu, depth: 2), points: points, targets: target(points))
    func best(_ landmarks: [Int]?) throws -> (
      machine: KernelMachine, ridge: Double, quality: Double
    ) {
      try regression.best(landmarks: landmarks, others: others) { values in
        -zip(values, target(others)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    let exact = try best(nil)
    let kernel = regression.kernel
    let fitted = zip(
      kernel.gram(kernel.points(points)).times(exact.machine.weights), exact.machine.weights
    ).map { $0 + exact.ridge * $1 + exact.machine.offset }
    #expect(largest(fitted, regression.targets) < 1e-9)
    let all = try best(Array(0..<120))
    #expect(all.ridge == exact.ridge)
    #expect(largest(all.machine.values(others), exact.machine.values(others)) < 1e-5)
    let errors = try [5, 20, 60, 120].map {
      try regression.error(ofLandmarks: points.gathered(Array(0..<$0)))
    }
    #expect(errors == errors.sorted(by: >))
    #expect(errors[0] < 1 && errors[3] < 1e-6)
    #expect(try best(Array(0..<5)).quality < exact.quality)
  }

  /// The error of sketches falls with the dimension, and is larger with every layer, whose input is
  /// a sketch itself.
  @Test func sketchesApproachTheKernel() throws {
    let points = random(30, "sketched")
    for kernel in [
      NeuralKernel(.ntk, .gelu, depth: 1), NeuralKernel(.nngp, .gelu, depth: 2),
      NeuralKernel(.ntk, .relu, depth: 2),
    ] {
      let regression = KernelRegression(
        kernel, points: points, targets: points.values.prefix(30).map(\.self))
      func errors(_ dimension: Int) throws -> Double {
        let values = try (0..<3).map { draw in
          try regression.error(
            ofLandmarks: points,
            sketch: KernelSketch(
              kernel, dimension: dimension, width: 3, seed: Seed(1), name: "\(draw)"))
        }
        return values.reduce(0, +) / 3
      }
      let (few, many) = try (errors(32), errors(512))
      #expect(
        many < few / 2 && many < (kernel.depth == 1 ? 0.25 : 0.4), "\(kernel.name) \(few) \(many)")
    }
  }

  @Test func namesAreReadAndRefused() throws {
    for name in ["ntk-relu-1", "nngp-gelu-4", "ntk-tanh-2-nystrom-1000", "ntk-relu-1-sketch-256"] {
      #expect(try KernelHead(named: name).name == name)
    }
    for name in [
      "ntk-relu", "ntk-relu-5", "ntk-relu-1-nystrom-9", "rbf-relu-1", "ntk-cube-1",
      "ntk-relu-1-sketch-100",
    ] {
      expectFailure("unknown infinitely wide head '\(name)'", status: .usage) {
        try KernelHead(named: name)
      }
    }
  }
}
