package import Compute
package import LabCore

/// One worker's memory for a transformer that judges: a linear read-out of one logit on the final norm's output.
///
/// The read-out is C weights and a bias, which the caller keeps. The model's own read-out takes no part.
package final class ClassificationPass {
  private let model: LanguageModel
  /// The kernels of this worker, free for other work between passes.
  package let stream: KernelStream
  private let activations: Activations
  private let flow: ActivationGradients
  private let batch: DeviceBatch
  package let maximumTokens: Int

  /// Allocates for micro-batches of up to `maximumTokens` tokens.
  ///
  /// Throws `LabError` when memory is short.
  package init(_ model: LanguageModel, maximumTokens: Int) throws {
    self.model = model
    self.maximumTokens = maximumTokens
    let configuration = model.configuration
    stream = try KernelStream(
      on: model.device, precision: model.precision,
      limits: configuration.streamLimits(maximumTokens: maximumTokens))
    activations = try Activations(
      configuration, maximumTokens: maximumTokens, keepsLayers: true, on: model.device)
    flow = try ActivationGradients(configuration, maximumTokens: maximumTokens, on: model.device)
    batch = try DeviceBatch(maximumTokens: maximumTokens, on: model.device)
  }

  /// The logits at some of the batch's tokens, with their states, shape (R, C).
  ///
  /// `readOut` holds C weights, then the bias.
  package func logits(
    _ tokens: TokenBatch, rows: [Int], readOut: [Float]
  ) -> (logits: [Float], states: [Float]) {
    let count = tokens.tokens.count
    precondition(count <= maximumTokens, "micro-batch of \(count) tokens is too large")
    let width = model.configuration.modelDimension
    batch.copyIn(tokens)
    model.forward(
      batch, BatchExtent(rows: count, sequences: tokens.sequenceCount), into: activations,
      on: stream)
    let output = activations.outputNormed.prefix(count * width).copyOut()
    var states: [Float] = []
    states.reserveCapacity(rows.count * width)
    let logits = rows.map { row in
      var sum = readOut[width]
      for column in 0..<width { sum += readOut[column] * output[row * width + column] }
      states += output[(row * width)..<((row + 1) * width)]
      return sum
    }
    return (logits, states)
  }

  /// Adds the gradient with respect to all parameters, given that of the logits, after `logits` on the same batch.
  package func backward(
    _ tokens: TokenBatch, rows: [Int], readOut: [Float], logitGradient: [Float],
    into gradients: Gradients
  ) {
    let count = tokens.tokens.count
    let width = model.configuration.modelDimension
    var gradient = [Float](repeating: 0, count: count * width)
    for (row, value) in zip(rows, logitGradient) {
      for column in 0..<width { gradient[row * width + column] += value * readOut[column] }
    }
    flow.normed.copyIn(gradient)
    model.backward(
      batch, BatchExtent(rows: count, sequences: tokens.sequenceCount), through: activations, flow,
      into: gradients.views, on: stream)
  }
}
