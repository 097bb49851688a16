import Compute
package import LabCore

/// Where a text of a batch is judged.
package struct JudgedRow: Hashable, Sendable {
  /// The token whose state is read.
  package var row: Int
  /// The token after which the answer begins: what follows it, up to `row`, is what the text says.
  package var start: Int

  package init(row: Int, start: Int) {
    self.row = row
    self.start = start
  }
}

/// A transformer that judges: one logit, linear in the final norm's output at a token and, where
/// the read-out has a weight for it, in the log-probability that the transformer itself gives to
/// the answer up to that token.
///
/// The read-out is C weights, the weight of the log-probability where it is read, and a bias; the
/// caller keeps it. The model's own read-out takes part in the log-probability alone.
extension TrainingPass {
  /// The logits at some of the batch's tokens, with what they are linear in: shape (R, C) or (R,
  /// C + 1).
  ///
  /// `moved`, shape (T, V), is added to the one-hot rows of what is read, where it is given.
  package func logits(
    _ tokens: TokenBatch, rows: [JudgedRow], readOut: [Float], moved: [Float]? = nil
  ) -> (logits: [Float], inputs: [Float]) {
    let width = model.configuration.modelDimension
    let count = forward(tokens, moved: moved).rows
    let output = activations.outputNormed.prefix(count * width).copyOut()
    let read = readsLogProbability(readOut) ? logProbabilities(tokens, rows, output) : nil
    var inputs: [Float] = []
    inputs.reserveCapacity(rows.count * (readOut.count - 1))
    let logits = rows.indices.map { index in
      let state = output[(rows[index].row * width)..<((rows[index].row + 1) * width)]
      inputs += state
      var sum = readOut[readOut.count - 1]
      for (weight, value) in zip(readOut, state) { sum += weight * value }
      guard let read else { return sum }
      inputs.append(read[index])
      return sum + readOut[width] * read[index]
    }
    return (logits, inputs)
  }

  /// Adds the gradient with respect to all parameters, given that of the logits, after `logits` on
  /// the same batch and as it was moved.
  package func backward(
    _ tokens: TokenBatch, rows: [JudgedRow], readOut: [Float], logitGradient: [Float],
    moved: [Float]? = nil, into gradients: Gradients
  ) {
    let count = tokens.tokens.count
    let width = model.configuration.modelDimension
    var gradient = [Float](repeating: 0, count: count * width)
    for (judged, value) in zip(rows, logitGradient) {
      let first = judged.row * width
      for column in 0..<width { gradient[first + column] += value * readOut[column] }
    }
    if readsLogProbability(readOut) {
      let output = activations.outputNormed.prefix(count * width).copyOut()
      let said = Self.said(tokens, rows)
      for part in chunks(of: said) {
        _ = losses(of: part, output)
        // The loss is minus the log-probability.
        let factors = part.map { -logitGradient[$0.judged] * readOut[width] }
        let inputGradient = flow.attention.prefix(part.count * width)
        stream.linearBackwardInput(
          inputGradient, outputGradient: logits, weight: model.views.readOut, rows: part.count)
        let back = inputGradient.copyOut()
        for (index, row) in part.enumerated() {
          for column in 0..<width {
            gradient[row.source * width + column] += factors[index] * back[index * width + column]
          }
        }
        let states = zip(part, factors).flatMap { row, factor in
          output[(row.source * width)..<((row.source + 1) * width)].map { factor * $0 }
        }
        flow.normed.copyIn(states)
        stream.linearBackwardWeight(
          gradients.views.readOut, outputGradient: logits, input: flow.normed, rows: part.count)
      }
    }
    flow.normed.copyIn(gradient)
    backward(BatchExtent(rows: count, sequences: tokens.sequenceCount), into: gradients)
    if let moved { addEmbeddingGradient(of: moved, rows: count, into: gradients) }
  }

  private func readsLogProbability(_ readOut: [Float]) -> Bool {
    readOut.count == model.configuration.modelDimension + 2
  }

  /// A token of an answer: the row that predicts it, and the judged row whose answer it is of.
  private struct SaidToken {
    let source: Int
    let token: Int32
    let judged: Int
  }

  private static func said(_ tokens: TokenBatch, _ rows: [JudgedRow]) -> [SaidToken] {
    rows.enumerated().flatMap { index, judged in
      (judged.start..<judged.row).map {
        SaidToken(source: $0, token: tokens.tokens[$0 + 1], judged: index)
      }
    }
  }

  /// Parts whose logits are held at once.
  private func chunks(of said: [SaidToken]) -> [ArraySlice<SaidToken>] {
    stride(from: 0, to: said.count, by: chunkRows).map {
      said[$0..<min($0 + chunkRows, said.count)]
    }
  }

  /// -log p of some tokens; `logits` then holds the gradient of each with respect to its row of
  /// logits.
  private func losses(of said: ArraySlice<SaidToken>, _ output: [Float]) -> [Float] {
    let width = model.configuration.modelDimension
    flow.normed.copyIn(
      said.flatMap { output[($0.source * width)..<(($0.source + 1) * width)] })
    batch.targets.copyIn(said.map(\.token))
    stream.linear(logits, input: flow.normed, weight: model.views.readOut, rows: said.count)
    stream.crossEntropy(
      losses: losses, logits: logits, targets: batch.targets, scale: 1, zLoss: 0,
      rows: said.count, vocabulary: model.configuration.vocabularySize)
    return losses.prefix(said.count).copyOut()
  }

  /// The log-probability of the answer up to each judged row.
  private func logProbabilities(
    _ tokens: TokenBatch, _ rows: [JudgedRow], _ output: [Float]
  ) -> [Float] {
    var sums = [Float](repeating: 0, count: rows.count)
    for part in chunks(of: Self.said(tokens, rows)) {
      for (row, loss) in zip(part, losses(of: part, output)) { sums[row.judged] -= loss }
    }
    return sums
  }
}
