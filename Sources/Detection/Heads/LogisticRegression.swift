import Compute
import LabCore

/// Fits a linear head: mean log-loss plus penalty / (2 n) times the sum of squared weights, n examples.
///
/// The objective of scikit-learn's `LogisticRegression` with C = 1 / penalty, divided by C n.
struct LogisticRegression {
  private let network: HeadNetwork
  private let features: FloatSlice
  private let labels: [Bool]

  /// Gathers the training rows; `network` must be linear.
  init(_ examples: HeadExamples, network: HeadNetwork) throws {
    let device = examples.features.buffer.device
    let width = network.inputWidth
    let rows = try DeviceBuffer<Int32>(examples.train.count, on: device).all
    rows.copyIn(examples.train.map(Int32.init))
    features = try DeviceBuffer<Float>(examples.train.count * width, on: device).all
    network.stream.gatherRows(
      features, input: examples.features, rows: rows, count: examples.train.count, width: width)
    labels = examples.train.map { examples.labels[$0] }
    self.network = network
  }

  /// The best parameters from `start` on, in the network too; no part of the gradient is above `tolerance`.
  func fit(
    from start: [Double], penalty: Double, tolerance: Double = 1e-6
  ) -> LimitedMemoryMinimizer.Minimum {
    var minimizer = LimitedMemoryMinimizer()
    minimizer.gradientTolerance = tolerance
    let minimum = minimizer.minimize(from: start) { objective($0, penalty: penalty) }
    network.parameters.copyIn(minimum.point.map(Float.init))
    return minimum
  }

  private func objective(
    _ parameters: [Double], penalty: Double
  ) -> (value: Double, gradient: [Double]) {
    let stream = network.stream
    let width = network.inputWidth
    network.parameters.copyIn(parameters.map(Float.init))
    stream.zero(network.gradient)
    var value = 0.0
    for first in stride(from: 0, to: labels.count, by: network.maximumRows) {
      let count = min(network.maximumRows, labels.count - first)
      value += network.accumulateLoss(
        features.slice(first * width, count * width),
        labels: Array(labels[first..<(first + count)]),
        share: Double(count) / Double(labels.count))
    }
    var gradient = network.gradient.copyOut().map(Double.init)
    // The bias, which comes last, is free.
    let strength = penalty / Double(labels.count)
    for index in 0..<width {
      value += 0.5 * strength * parameters[index] * parameters[index]
      gradient[index] += strength * parameters[index]
    }
    return (value, gradient)
  }
}
