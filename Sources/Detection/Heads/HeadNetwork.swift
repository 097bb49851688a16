package import Compute
package import LabCore
import Training

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
    /// In the parameters, and in the gradient.
    let weight: WeightMatrix
    let weightGradient: WeightMatrix
    let bias: FloatSlice
    let biasGradient: FloatSlice
    /// Where the weight begins in the parameters; the bias follows it.
    let offset: Int
    /// Outputs, after ReLU except for the logits, and the gradient of what they were before it; the
    /// same memory for the last layer.
    let output: FloatSlice
    let gradient: FloatSlice

    var inputs: Int { weight.inputs }
    var outputs: Int { weight.outputs }
    var weightCount: Int { inputs * outputs }
  }

  /// Allocates for batches of up to `maximumRows` rows, with products in `precision`; parameters
  /// are zero.
  ///
  /// Throws `LabError` when memory is short.
  package init(
    _ architecture: HeadArchitecture, inputWidth: Int, maximumRows: Int,
    precision: Precision = .fp32, on device: Device = .cpu
  ) throws {
    self.architecture = architecture
    self.inputWidth = inputWidth
    self.maximumRows = maximumRows
    let shapes = architecture.layers(inputWidth: inputWidth)
    stream = try KernelStream(
      on: device, precision: precision,
      limits: StreamLimits(
        maximumTokens: maximumRows, maximumSequenceLength: 1,
        maximumWidth: ([inputWidth] + shapes.map(\.outputs)).max() ?? 1))
    let count = architecture.parameterCount(inputWidth: inputWidth)
    parameters = try DeviceBuffer<Float>(count, on: device).all
    gradient = try DeviceBuffer<Float>(count, on: device).all
    logits = try DeviceBuffer<Float>(maximumRows * architecture.outputs, on: device).all
    var layers: [Layer] = []
    var offset = 0
    for (index, shape) in shapes.enumerated() {
      let isLast = index == shapes.count - 1
      let size = maximumRows * shape.outputs
      let weightCount = shape.inputs * shape.outputs
      func weight(in values: FloatSlice) -> WeightMatrix {
        WeightMatrix(
          values.slice(offset, weightCount), outputs: shape.outputs, inputs: shape.inputs)
      }
      layers.append(
        Layer(
          weight: try weight(in: parameters).packable(for: precision),
          weightGradient: weight(in: gradient),
          bias: parameters.slice(offset + weightCount, shape.outputs),
          biasGradient: gradient.slice(offset + weightCount, shape.outputs), offset: offset,
          output: isLast ? logits : try DeviceBuffer<Float>(size, on: device).all,
          gradient: isLast ? logits : try DeviceBuffer<Float>(size, on: device).all))
      offset += (shape.inputs + 1) * shape.outputs
    }
    self.layers = layers
  }

  /// The logits of the first `rows` rows of `input`, shape (rows, input width); result: (rows,
  /// outputs).
  package func forward(_ input: FloatSlice, rows: Int) -> [Float] {
    var input = input
    for (index, layer) in layers.enumerated() {
      // Whoever writes parameters need not think of the form that products read.
      stream.pack(layer.weight)
      stream.linear(layer.output, input: input, weight: layer.weight, rows: rows)
      stream.addBias(layer.output, bias: layer.bias, rows: rows, outputs: layer.outputs)
      guard index < layers.count - 1 else { break }
      stream.relu(layer.output, input: layer.output, count: rows * layer.outputs)
      input = layer.output
    }
    return logits.prefix(rows * architecture.outputs).copyOut()
  }

  /// Adds the gradient of the loss to `gradient`, given the logits' gradient, after `forward` on
  /// the same rows.
  package func backward(_ input: FloatSlice, logitGradient: [Float], rows: Int) {
    logits.copyIn(logitGradient)
    for index in layers.indices.reversed() {
      let layer = layers[index]
      let below = index == 0 ? nil : layers[index - 1]
      stream.linearBackwardWeight(
        layer.weightGradient, outputGradient: layer.gradient, input: below?.output ?? input,
        rows: rows)
      stream.addBiasBackward(
        layer.biasGradient, outputGradient: layer.gradient, rows: rows, outputs: layer.outputs)
      guard let below else { continue }
      stream.linearBackwardInput(
        below.gradient, outputGradient: layer.gradient, weight: layer.weight, rows: rows)
      // What ReLU let through is above 0 after it as before.
      stream.reluBackward(
        below.gradient, outputGradient: below.gradient, input: below.output,
        count: rows * below.outputs)
    }
  }

  /// Adds the gradient of the mean log-loss in nats of `labels` on the first rows of `input` to
  /// `gradient`.
  ///
  /// Of several outputs the mean losses are added, so that each is trained as if it were alone.
  package func accumulateGradient(_ input: FloatSlice, labels: [Bool]) {
    let scale = 1 / Double(labels.count)
    let logits = forward(input, rows: labels.count)
    let errors = logits.indices.map { index in
      let label = labels[index / architecture.outputs]
      return Float((LogLoss.probability(Double(logits[index])) - (label ? 1 : 0)) * scale)
    }
    backward(input, logitGradient: errors, rows: labels.count)
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

  /// The parameters as an optimiser sees them: weights are decayed, biases are not.
  var stretches: [Optimizer.Stretch] {
    layers.flatMap { layer in
      let bias = layer.offset + layer.weightCount
      return [
        Optimizer.Stretch(layer.offset..<bias, isDecayed: true),
        Optimizer.Stretch(bias..<(bias + layer.outputs), isDecayed: false),
      ]
    }
  }
}
