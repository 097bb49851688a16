import Compute
package import LabCore

/// A transformer that judges: a linear read-out of one logit on the final norm's output, C weights and then a bias.
///
/// The caller keeps the read-out. The model's own takes no part.
extension TrainingPass {
  /// The logits at some of the batch's tokens, with their states, shape (R, C).
  package func logits(
    _ tokens: TokenBatch, rows: [Int], readOut: [Float]
  ) -> (logits: [Float], states: [Float]) {
    let width = model.configuration.modelDimension
    let count = forward(tokens).rows
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
    backward(BatchExtent(rows: count, sequences: tokens.sequenceCount), into: gradients)
  }
}
