import Compute
import Foundation
package import LabCore

/// AdamW on the parameters of a head; biases don't decay.
final class HeadOptimizer {
  private let network: HeadNetwork
  private let first: FloatSlice
  private let second: FloatSlice
  private var stepsTaken = 0

  private static let beta1 = 0.9
  private static let beta2 = 0.999

  init(_ network: HeadNetwork) throws {
    self.network = network
    let device = network.stream.device
    first = try DeviceBuffer<Float>(network.parameters.count, on: device).all
    second = try DeviceBuffer<Float>(network.parameters.count, on: device).all
  }

  /// One step along the network's gradient.
  func step(learningRate: Double, weightDecay: Double) {
    stepsTaken += 1
    let step = Double(stepsTaken)
    for layer in network.layers {
      update(layer.offset, layer.weightCount, learningRate, weightDecay, step)
      update(layer.offset + layer.weightCount, layer.outputs, learningRate, 0, step)
    }
  }

  private func update(
    _ offset: Int, _ count: Int, _ learningRate: Double, _ weightDecay: Double, _ step: Double
  ) {
    network.stream.adamW(
      parameters: network.parameters.slice(offset, count), first: first.slice(offset, count),
      second: second.slice(offset, count), gradient: network.gradient.slice(offset, count),
      scalars: AdamWScalars(
        learningRate: Float(learningRate), beta1: Float(Self.beta1), beta2: Float(Self.beta2),
        epsilon: 1e-8, weightDecay: Float(weightDecay),
        correction1: Float(1 - pow(Self.beta1, step)),
        correction2: Float(1 - pow(Self.beta2, step)), gradientScale: 1))
  }
}

extension HeadNetwork {
  /// Fresh parameters: normal weights and zero biases.
  ///
  /// The weights' variance is 2 / inputs (He et al. 2015), and 1 / inputs in the last layer.
  package func initialize(_ stream: inout RandomStream) {
    var values = [Float](repeating: 0, count: parameters.count)
    for (index, layer) in layers.enumerated() {
      let variance = (index == layers.count - 1 ? 1 : 2) / Double(layer.inputs)
      let deviation = variance.squareRoot()
      for place in layer.offset..<(layer.offset + layer.weightCount) {
        values[place] = Float(deviation * stream.normal())
      }
    }
    parameters.copyIn(values)
  }
}
