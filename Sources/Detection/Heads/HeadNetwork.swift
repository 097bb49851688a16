package import Compute

/// A read-out on one thread: forward, backward and the buffers between them.
package final class HeadNetwork {
  package let architecture: HeadArchitecture
  package let inputWidth: Int
  package let maximumRows: Int
  package let stream: KernelStream
  /// All weights and biases: for each layer weight (outputs, inputs), then bias (outputs).
  package let parameters: FloatSlice
  /// The loss's gradient, laid out as `parameters`; `backward` adds to it.
  package let gradient: FloatSlice
  let layers: [Layer]
  /// The logits of the newest batch, then their gradient.
  private let logits: FloatSlice

  struct Layer {
    let inputs: Int
    let outputs: Int
    /// Where the weight begins in the parameters; the bias follows it.
    let offset: Int
    /// Outputs before and after ReLU, and the gradient of the outputs; the logits' for the last layer.
    let linear: FloatSlice
    let active: FloatSlice
    let outputGradient: FloatSlice

    var weightCount: Int { inputs * outputs }
  }

  /// Allocates for batches of up to `maximumRows` rows; parameters are zero.
  ///
  /// Throws `LabError` when memory is short.
  package init(
    _ architecture: HeadArchitecture, inputWidth: Int, maximumRows: Int, on device: Device = .cpu
  ) throws {
    self.architecture = architecture
    self.inputWidth = inputWidth
    self.maximumRows = maximumRows
    let shapes = architecture.layers(inputWidth: inputWidth)
    stream = try KernelStream(
      on: device, precision: .fp32,
      limits: StreamLimits(
        maximumTokens: maximumRows, maximumSequenceLength: 1,
        maximumWidth: ([inputWidth] + shapes.map(\.outputs)).max() ?? 1))
    let count = architecture.parameterCount(inputWidth: inputWidth)
    parameters = try DeviceBuffer<Float>(count, on: device).all
    gradient = try DeviceBuffer<Float>(count, on: device).all
    logits = try DeviceBuffer<Float>(maximumRows, on: device).all
    var layers: [Layer] = []
    var offset = 0
    for (index, shape) in shapes.enumerated() {
      let isLast = index == shapes.count - 1
      let size = maximumRows * shape.outputs
      let linear = isLast ? logits : try DeviceBuffer<Float>(size, on: device).all
      layers.append(
        Layer(
          inputs: shape.inputs, outputs: shape.outputs, offset: offset, linear: linear,
          active: isLast ? logits : try DeviceBuffer<Float>(size, on: device).all,
          outputGradient: isLast ? logits : try DeviceBuffer<Float>(size, on: device).all))
      offset += (shape.inputs + 1) * shape.outputs
    }
    self.layers = layers
  }

  private func weight(_ layer: Layer, in values: FloatSlice) -> WeightMatrix {
    WeightMatrix(
      values.slice(layer.offset, layer.weightCount), outputs: layer.outputs, inputs: layer.inputs)
  }

  private func bias(_ layer: Layer, in values: FloatSlice) -> FloatSlice {
    values.slice(layer.offset + layer.weightCount, layer.outputs)
  }

  /// The logit of each of the first `rows` rows of `input`, shape (rows, input width).
  package func forward(_ input: FloatSlice, rows: Int) -> [Float] {
    var input = input
    for (index, layer) in layers.enumerated() {
      stream.linear(
        layer.linear, input: input, weight: weight(layer, in: parameters), rows: rows)
      stream.addBias(
        layer.linear, bias: bias(layer, in: parameters), rows: rows, outputs: layer.outputs)
      guard index < layers.count - 1 else { break }
      stream.relu(layer.active, input: layer.linear, count: rows * layer.outputs)
      input = layer.active
    }
    return logits.prefix(rows).copyOut()
  }

  /// Adds the gradient of the loss to `gradient`, given the logits' gradient, after `forward` on the same rows.
  package func backward(_ input: FloatSlice, logitGradient: [Float], rows: Int) {
    logits.copyIn(logitGradient)
    for index in layers.indices.reversed() {
      let layer = layers[index]
      let below = index == 0 ? nil : layers[index - 1]
      stream.linearBackwardWeight(
        weight(layer, in: gradient), outputGradient: layer.outputGradient,
        input: below?.active ?? input, rows: rows)
      stream.addBiasBackward(
        bias(layer, in: gradient), outputGradient: layer.outputGradient, rows: rows,
        outputs: layer.outputs)
      guard let below else { continue }
      stream.linearBackwardInput(
        below.active, outputGradient: layer.outputGradient, weight: weight(layer, in: parameters),
        rows: rows)
      stream.reluBackward(
        below.outputGradient, outputGradient: below.active, input: below.linear,
        count: rows * below.outputs)
    }
  }

  /// `share` times the mean log-loss in nats of `labels` on the first rows of `input`; its gradient is added.
  package func accumulateLoss(_ input: FloatSlice, labels: [Bool], share: Double = 1) -> Double {
    let logits = forward(input, rows: labels.count)
    let scale = share / Double(labels.count)
    var gradient = [Float](repeating: 0, count: labels.count)
    for (index, label) in labels.enumerated() {
      let error = LogLoss.probability(Double(logits[index])) - (label ? 1 : 0)
      gradient[index] = Float(error * scale)
    }
    backward(input, logitGradient: gradient, rows: labels.count)
    return share * LogLoss.mean(logits: logits, labels: labels)
  }
}
