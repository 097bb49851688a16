import Compute
import LabCore

extension InferenceSession {
  /// The logits that each layer's residual stream gives after the final norm and the read-out.
  ///
  /// Of the last token of one sequence, by layer: first the embedding, then the stream that leaves
  /// each block; the last is what the model says (logit lens). `tokens` must fit into
  /// `maximumTokens`.
  package func layerLogits(_ tokens: [Int32]) throws -> [[Float]] {
    var packed = TokenBatch()
    packed.append(tokens: tokens, targets: tokens.map { _ in -1 })
    let width = model.configuration.modelDimension
    let last = try DeviceBuffer<Int32>(1, on: model.device).all
    last.copyIn([Int32(tokens.count) - 1])
    let streams = try DeviceBuffer<Float>(
      (model.configuration.layerCount + 1) * width, on: model.device
    ).all
    func keep(_ layer: Int, _ residual: FloatSlice) {
      stream.gatherRows(
        streams.slice(layer * width, width), input: residual, rows: last, count: 1, width: width)
    }
    run(packed) { index, layer in keep(index, layer.input) }
    keep(model.configuration.layerCount, activations.output)
    let rows = model.configuration.layerCount + 1
    let normed = try DeviceBuffer<Float>(rows * width, on: model.device).all
    let scale = try DeviceBuffer<Float>(rows, on: model.device).all
    stream.rmsNorm(
      normed, sum: nil, rstd: scale, input: streams, delta: nil, weight: model.views.finalNorm,
      epsilon: ModelConfiguration.normEpsilon, rows: rows, columns: width)
    let vocabulary = model.configuration.vocabularySize
    var values: [[Float]] = []
    forEachLogitChunk(of: normed, rows: rows) { _, count in
      let chunk = logits.prefix(count * vocabulary).copyOut()
      for row in 0..<count {
        values.append(Array(chunk[row * vocabulary..<(row + 1) * vocabulary]))
      }
    }
    return values
  }
}
