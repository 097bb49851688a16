package import Analysis
import Compute
import Foundation
import LabCore

/// Fits a linear head: mean log-loss plus penalty / (2 n) times the sum of squared weights, n
/// examples.
///
/// The objective of scikit-learn's `LogisticRegression` with C = 1 / penalty, divided by C n.
/// Directions begin with the Hessian at 0 on some of the rows, so that correlated features cost few
/// iterations.
package struct LogisticRegression {
  private let network: HeadNetwork
  private let features: FloatSlice
  private let labels: [Bool]
  /// X^T X / 4 n over some of the rows, for the weights.
  private let curvature: [[Double]]

  /// Rows that the guess at the Hessian is made from, and the widest features that are worth one.
  private static let sampledRows = 1_024
  private static let widestGuess = 1_024

  /// Gathers the training rows; `network` must be linear.
  package init(_ examples: HeadExamples, network: HeadNetwork) throws {
    let device = examples.features.buffer.device
    let width = network.inputWidth
    let train = examples.train
    if let first = train.first, train == Array(first..<(first + train.count)) {
      features = examples.features.slice(first * width, train.count * width)
    } else {
      let rows = try DeviceBuffer<Int32>(train.count, on: device).all
      rows.copyIn(train.map(Int32.init))
      features = try DeviceBuffer<Float>(train.count * width, on: device).all
      network.stream.gatherRows(
        features, input: examples.features, rows: rows, count: train.count, width: width)
    }
    labels = train.map { examples.labels[$0] }
    self.network = network
    curvature = try Self.curvature(features, rows: labels.count, network)
  }

  private static func curvature(
    _ features: FloatSlice, rows: Int, _ network: HeadNetwork
  ) throws -> [[Double]] {
    let width = network.inputWidth
    guard width > 1, width <= widestGuess, rows >= 2 * width else { return [] }
    let count = min(rows, max(sampledRows, 2 * width))
    let product = try DeviceBuffer<Float>(width * width, on: features.buffer.device).all
    let matrix = WeightMatrix(product, outputs: width, inputs: width)
    // Stretches from all over the rows, which may be in some order.
    let piece = min(128, network.maximumRows, rows)
    let pieces = max(1, count / piece)
    for index in 0..<pieces {
      let first = index * (rows - piece) / max(1, pieces - 1)
      let part = features.slice(first * width, piece * width)
      network.stream.linearBackwardWeight(
        matrix, outputGradient: part, input: part, rows: piece)
    }
    let values = product.copyOut()
    let scale = 0.25 / Double(pieces * piece)
    return (0..<width).map { row in
      (0..<width).map { scale * Double(values[row * width + $0]) }
    }
  }

  /// The best parameters from `start` on, in the network too; no part of the gradient is above
  /// `tolerance`.
  package func fit(
    from start: [Double], penalty: Double, tolerance: Double = 1e-6
  ) -> LimitedMemoryMinimizer.Minimum {
    var minimizer = LimitedMemoryMinimizer()
    minimizer.gradientTolerance = tolerance
    minimizer.precondition = preconditioner(penalty)
    let minimum = minimizer.minimize(from: start) { objective($0, penalty: penalty) }
    network.parameters.copyIn(minimum.point.map(Float.init))
    return minimum
  }

  private func preconditioner(_ penalty: Double) -> (([Double]) -> [Double])? {
    guard !curvature.isEmpty else { return nil }
    var matrix = curvature
    let width = curvature.count
    let mean = (0..<width).reduce(0) { $0 + matrix[$1][$1] } / Double(width)
    // The sample says little of directions that hardly vary in it.
    let floor = penalty / Double(labels.count) + 1e-3 * mean + 1e-12
    for index in 0..<width { matrix[index][index] += floor }
    let guess = SymmetricMatrix(matrix)
    return { gradient in guess.solve(Array(gradient.dropLast())) + [4 * (gradient.last ?? 0)] }
  }

  private func objective(
    _ parameters: [Double], penalty: Double
  ) -> (value: Double, gradient: [Double]) {
    let stream = network.stream
    let width = network.inputWidth
    network.parameters.copyIn(parameters.map(Float.init))
    stream.zero(network.gradient)
    var value = 0.0
    let scale = 1 / Double(labels.count)
    var errors = [Float](repeating: 0, count: network.maximumRows)
    for first in stride(from: 0, to: labels.count, by: network.maximumRows) {
      let count = min(network.maximumRows, labels.count - first)
      let input = features.slice(first * width, count * width)
      let logits = network.forward(input, rows: count)
      for index in 0..<count {
        let isPositive = labels[first + index]
        let logit = Double(logits[index])
        let power = exp(-abs(logit))
        // -log p of the label is max(0, -margin) + log(1 + exp(-|margin|)).
        value += max(0, isPositive ? -logit : logit) + log1p(power)
        let probability = (logit >= 0 ? 1 : power) / (1 + power)
        errors[index] = Float(scale * (probability - (isPositive ? 1 : 0)))
      }
      network.backward(
        input, logitGradient: count == errors.count ? errors : Array(errors[..<count]), rows: count)
    }
    value *= scale
    var gradient = network.gradient.copyOut().map(Double.init)
    // The bias, which comes last, is free.
    let strength = penalty * scale
    for index in 0..<width {
      value += 0.5 * strength * parameters[index] * parameters[index]
      gradient[index] += strength * parameters[index]
    }
    return (value, gradient)
  }
}
