import Compute
import Foundation
import LabCore

extension InferenceSession {
  /// Log-probability in nats of every token after each text, shape (V); texts go through the model
  /// side by side.
  ///
  /// Every text must have a token and fit into the context.
  package func nextLogProbabilities(of texts: [[Int32]]) -> [[Float]] {
    var all: [[Float]] = []
    all.reserveCapacity(texts.count)
    var pending = TokenBatch()
    func finish() {
      let ends = pending.offsets.dropFirst().map { $0 - 1 }
      run(pending, wanted: ends)
      let vocabulary = model.configuration.vocabularySize
      forEachLogitChunk(of: activations.outputNormed, rows: ends.count) { _, count in
        let values = logits.prefix(count * vocabulary).copyOut()
        for row in 0..<count {
          all.append(Self.logProbabilities(values[(row * vocabulary)..<((row + 1) * vocabulary)]))
        }
      }
      pending = TokenBatch()
    }
    for text in texts {
      if pending.tokens.count + text.count > maximumTokens { finish() }
      pending.append(tokens: text, targets: text.map { _ in -1 })
    }
    if !pending.tokens.isEmpty { finish() }
    return all
  }

  private static func logProbabilities(_ logits: ArraySlice<Float>) -> [Float] {
    let largest = logits.max() ?? 0
    let sum = logits.reduce(0.0) { $0 + Double(exp($1 - largest)) }
    let total = largest + Float(log(sum))
    return logits.map { $0 - total }
  }
}
