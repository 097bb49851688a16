package import Compute
import Foundation
package import LabCore

/// Random features whose inner products are a neural kernel's on average, layer by layer.
///
/// Each layer sketches the powers 0 to q of a point's direction by trees of TensorSRHTs, weighs
/// them by the activation's Hermite coefficients at the point's own deviation, and joins them by an
/// SRHT; the tangent kernel's features are a TensorSRHT of those of E f' f' and those of the layer
/// before. All directions are drawn from one named stream (Ahle and others 2020, Han and others
/// 2022).
package struct KernelSketch: Equatable, Sendable {
  package let kernel: NeuralKernel
  /// Values of each sketch, a power of two.
  package let dimension: Int

  /// The highest power: a power of two, since it is the number of a tree's leaves.
  package static let degree = 8
  private let layers: [Layer]

  private struct Layer: Equatable, Sendable {
    var leaves: [Hadamard]
    /// Those of a binary tree, 1 at the root; 0 is not used.
    var nodes: [TensorHadamard]
    var value: Hadamard
    var slope: Hadamard
    var tangent: TensorHadamard
  }

  /// Draws a sketch for points of `width` values.
  package init(_ kernel: NeuralKernel, dimension: Int, width: Int, seed: Seed, name: String) {
    precondition(dimension > 0 && dimension & (dimension - 1) == 0, "no power of two")
    self.kernel = kernel
    self.dimension = dimension
    var stream = seed.stream(name)
    var size = width + 1
    var tangent = size
    layers = (0..<kernel.depth).map { _ in
      let joined = (Self.degree + 1) * dimension
      let layer = Layer(
        leaves: (0..<Self.degree).map { _ in Hadamard(size, dimension, &stream) },
        nodes: (0..<Self.degree).map { _ in
          TensorHadamard(dimension, dimension, dimension, &stream)
        },
        value: Hadamard(joined, dimension, &stream), slope: Hadamard(joined, dimension, &stream),
        tangent: TensorHadamard(dimension, tangent, dimension, &stream))
      size = dimension + 1
      tangent = size + dimension
      return layer
    }
  }

  /// Values of a row of features.
  package var width: Int { kernel.kind == .ntk ? 2 * dimension + 1 : dimension + 1 }

  /// The features of points, a row each.
  package func features(_ rows: DenseMatrix) -> DenseMatrix {
    let series = HermiteSeries(kernel.activation, degree: Self.degree + 1)
    let (weight, bias) = (kernel.weightVariance.squareRoot(), kernel.biasVariance.squareRoot())
    var values: [Double] = []
    values.reserveCapacity(rows.rows * width)
    for row in 0..<rows.rows {
      var own = rows.row(row).map { weight / Double(rows.columns).squareRoot() * $0 } + [bias]
      var tangent = own
      for layer in layers {
        let deviation = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let powers = powers(own.map { $0 / max(deviation, 1e-300) }, layer)
        let coefficients = series.coefficients(deviation: deviation)
        func join(_ weights: [Double], _ by: Hadamard) -> [Double] {
          by.apply(zip(powers, weights).flatMap { power, weight in power.map { weight * $0 } })
        }
        let value = join(coefficients, layer.value)
        let slope = join(
          (0...Self.degree).map {
            Double($0 + 1).squareRoot() * coefficients[$0 + 1] / max(deviation, 1e-6)
          }, layer.slope)
        own = value.map { weight * $0 } + [bias]
        tangent = own + layer.tangent.apply(slope, tangent).map { weight * $0 }
      }
      values += kernel.kind == .ntk ? tangent : own
    }
    return DenseMatrix(rows: rows.rows, columns: width, values)
  }

  /// Sketches of the powers 0 to q of a direction: leaves of it give way to those of a unit vector,
  /// one after another.
  private func powers(_ direction: [Double], _ layer: Layer) -> [[Double]] {
    var unit = direction.map { _ in 0.0 }
    unit[0] = 1
    let count = Self.degree
    var tree = [[Double]](repeating: [], count: 2 * count)
    for leaf in 0..<count { tree[count + leaf] = layer.leaves[leaf].apply(direction) }
    for node in (1..<count).reversed() {
      tree[node] = layer.nodes[node].apply(tree[2 * node], tree[2 * node + 1])
    }
    var powers = [tree[1]]
    for leaf in (0..<count).reversed() {
      tree[count + leaf] = layer.leaves[leaf].apply(unit)
      var node = (count + leaf) / 2
      while node > 0 {
        tree[node] = layer.nodes[node].apply(tree[2 * node], tree[2 * node + 1])
        node /= 2
      }
      powers.append(tree[1])
    }
    return powers.reversed()
  }
}

/// A subsampled randomised Hadamard transform: inner products are kept on average.
struct Hadamard: Equatable, Sendable {
  private let signs: [Double]
  private let picked: [Int]
  private let size: Int

  init(_ inputs: Int, _ outputs: Int, _ stream: inout RandomStream) {
    var size = 1
    while size < inputs { size *= 2 }
    self.size = size
    signs = (0..<inputs).map { _ in stream.uniform() < 0.5 ? -1 : 1 }
    picked = (0..<outputs).map { _ in stream.below(size) }
  }

  /// Rows of H D x, over the root of their number.
  func apply(_ x: [Double]) -> [Double] {
    let scale = 1 / Double(picked.count).squareRoot()
    return rows(x).map { scale * $0 }
  }

  /// The picked values of H D x, with H of ones and minus ones.
  fileprivate func rows(_ x: [Double]) -> [Double] {
    var values = zip(x, signs).map { $0 * $1 }
    values += [Double](repeating: 0, count: size - values.count)
    var half = 1
    while half < size {
      for start in stride(from: 0, to: size, by: 2 * half) {
        for index in start..<(start + half) {
          let (a, b) = (values[index], values[index + half])
          values[index] = a + b
          values[index + half] = a - b
        }
      }
      half *= 2
    }
    return picked.map { values[$0] }
  }
}

/// A sketch of a tensor product: the product of two such transforms, value by value.
struct TensorHadamard: Equatable, Sendable {
  private let left: Hadamard
  private let right: Hadamard
  private let scale: Double

  init(_ left: Int, _ right: Int, _ outputs: Int, _ stream: inout RandomStream) {
    self.left = Hadamard(left, outputs, &stream)
    self.right = Hadamard(right, outputs, &stream)
    scale = 1 / Double(outputs).squareRoot()
  }

  func apply(_ x: [Double], _ y: [Double]) -> [Double] {
    zip(left.rows(x), right.rows(y)).map { scale * $0 * $1 }
  }
}
