import Compute
package import LabCore

/// What a model computes at each token it reads, from one forward pass.
package struct Reading: Sendable {
  /// The final norm's output, shape (T, C).
  package let states: [Float]
  /// Log-probability in nats of the target at each token; 0 where the target is negative.
  package let logProbabilities: [Float]
  /// Entropy in nats of the next-token distribution at each token.
  package let entropies: [Float]
  /// Largest probability of the next-token distribution at each token.
  package let maximumProbabilities: [Float]
}

extension InferenceSession {
  /// Everything a detector can know of a batch: states, and how sure the model is of what comes next.
  ///
  /// The batch must fit into `maximumTokens`. Throws `LabError` when memory is short.
  package func read(_ tokens: TokenBatch) throws -> Reading {
    let rows = run(tokens)
    let vocabulary = model.configuration.vocabularySize
    let columns = try (0..<3).map { _ in
      try DeviceBuffer<Float>(max(rows, 1), on: model.device).all
    }
    forEachLogitChunk(of: activations.outputNormed, rows: rows) { first, count in
      stream.logProbability(
        columns[0].slice(first, count), logits: logits, targets: batch.targets.slice(first, count),
        inverseTemperature: 1, rows: count, vocabulary: vocabulary)
      stream.softmaxSummary(
        entropy: columns[1].slice(first, count),
        maximumProbability: columns[2].slice(first, count), logits: logits, rows: count,
        vocabulary: vocabulary)
    }
    let width = model.configuration.modelDimension
    return Reading(
      states: activations.outputNormed.prefix(rows * width).copyOut(),
      logProbabilities: columns[0].prefix(rows).copyOut(),
      entropies: columns[1].prefix(rows).copyOut(),
      maximumProbabilities: columns[2].prefix(rows).copyOut())
  }
}
