import Compute
package import LabCore

/// Activations of one part of a model.
package struct ActivationSample: Sendable {
  /// "embedding", "attention 1", "feed-forward 1", "residual", "logits"; layers are counted from 1.
  package let part: String
  /// Of all tokens, row by row.
  package let values: [Float]
}

extension TrainingPass {
  /// What each part puts out on a batch under the model's present parameters, in the order of the
  /// forward pass.
  ///
  /// A block's output is what it adds to the residual stream; "residual" is the stream after the
  /// last block. Throws `LabError` when memory is short.
  package func activations(of tokens: TokenBatch) throws -> [ActivationSample] {
    let configuration = model.configuration
    for matrix in model.views.matrices { stream.pack(matrix) }
    let rows = forward(tokens).rows
    let logits = try DeviceBuffer<Float>(rows * configuration.vocabularySize, on: model.device).all
    stream.linear(
      logits, input: activations.outputNormed, weight: model.views.readOut, rows: rows)
    func values(_ slice: FloatSlice) -> [Float] {
      slice.prefix(rows * configuration.modelDimension).copyOut()
    }
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
