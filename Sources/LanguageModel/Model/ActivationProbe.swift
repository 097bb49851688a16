import Compute
package import LabCore

/// Activations of one part of a model.
package struct ActivationSample: Sendable {
  /// "embedding", "attention 1", "feed-forward 1", "residual", "logits"; layers are counted from 1.
  package let part: String
  /// Of all tokens, row by row.
  package let values: [Float]
}

/// Reads what each part of a model puts out on one fixed batch.
package final class ActivationProbe {
  private let model: LanguageModel
  private let stream: KernelStream
  private let activations: Activations
  private let batch: DeviceBatch
  private let extent: BatchExtent
  private let logits: FloatSlice

  /// Allocates for the batch; throws `LabError` when memory is short.
  package init(_ model: LanguageModel, _ tokens: TokenBatch) throws {
    let rows = tokens.tokens.count
    self.model = model
    stream = try KernelStream(
      on: model.device, precision: model.precision,
      limits: model.configuration.streamLimits(maximumTokens: rows))
    activations = try Activations(
      model.configuration, maximumTokens: rows, keepsLayers: true, on: model.device)
    batch = try DeviceBatch(maximumTokens: rows, on: model.device)
    batch.copyIn(tokens)
    extent = BatchExtent(rows: rows, sequences: tokens.sequenceCount)
    logits = try DeviceBuffer<Float>(
      rows * model.configuration.vocabularySize, on: model.device
    ).all
  }

  /// The parts' outputs under the model's present parameters, in the order of the forward pass.
  ///
  /// A block's output is what it adds to the residual stream; "residual" is the stream after the last block.
  package func read() -> [ActivationSample] {
    let configuration = model.configuration
    let count = extent.rows * configuration.modelDimension
    for matrix in model.views.matrices { stream.pack(matrix) }
    model.forward(batch, extent, into: activations, on: stream)
    stream.linear(
      logits, input: activations.outputNormed, weight: model.views.readOut, rows: extent.rows)
    func values(_ slice: FloatSlice) -> [Float] { slice.prefix(count).copyOut() }
    var samples: [ActivationSample] = []
    func add(_ part: String, _ values: [Float]) {
      samples.append(ActivationSample(part: part, values: values))
    }
    let output = values(activations.output)
    let inputs = activations.layers.map { values($0.input) } + [output]
    add("embedding", inputs[0])
    for (index, layer) in activations.layers.enumerated() {
      let middle = values(layer.middle)
      add("attention \(index + 1)", zip(middle, inputs[index]).map { $0 - $1 })
      add("feed-forward \(index + 1)", zip(inputs[index + 1], middle).map { $0 - $1 })
    }
    add("residual", output)
    add("logits", logits.copyOut())
    return samples
  }
}
