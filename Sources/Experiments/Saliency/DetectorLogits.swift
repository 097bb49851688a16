import Compute
package import Detection
import LabCore
import LanguageModel

/// The logit of a `full` detector, with memory for one worker, in single precision.
package final class DetectorLogits: LogitModel {
  private let network: FullNetwork
  private let pass: TrainingPass
  private let scratch: Gradients
  private let session: InferenceSession

  /// Throws `LabError` when memory is short.
  package init(_ network: FullNetwork) throws {
    let configuration = network.model.configuration
    let tokens = max(
      TrainingPass.preferredMicroBatchTokens(configuration), configuration.contextLength)
    self.network = FullNetwork(
      model: try network.model.inPrecision(.fp32), readOut: network.readOut)
    pass = try TrainingPass(self.network.model, maximumTokens: tokens)
    scratch = try Gradients(self.network.model.layout, on: self.network.model.device)
    session = try InferenceSession(self.network.model, maximumTokens: max(1_024, tokens))
  }

  package func logits(of texts: [SaliencyText]) throws -> [Double] {
    let logits = batches(texts).flatMap { batch, rows, _ in
      pass.logits(batch, rows: rows, readOut: network.readOut).logits
    }
    guard logits.allSatisfy(\.isFinite) else {
      throw LabError("the detector's scores are not numbers; train it again")
    }
    return logits.map(Double.init)
  }

  /// Of what is read in a place; and, where the logit reads the answer's log-probability, of what is said there: that is linear
  /// in the one-hot row, by the log-probability of each token.
  package func gradients(of texts: [SaliencyText]) throws -> [[[Float]]] {
    let configuration = network.model.configuration
    let vocabulary = configuration.vocabularySize
    var results: [[[Float]]] = []
    for (batch, rows, own) in batches(texts) {
      let logits = pass.logits(batch, rows: rows, readOut: network.readOut).logits
      pass.stream.zero(scratch.values)
      pass.backward(
        batch, rows: rows, readOut: network.readOut, logitGradient: logits.map { _ in 1 },
        into: scratch)
      let places = zip(own, rows).map { text, row in
        text.places.map { row.row + 1 - text.tokens.count + $0 }
      }
      var all = pass.oneHotGradients(of: places.flatMap(\.self))[...]
      for place in places {
        results.append(
          place.map { _ in
            defer { all = all.dropFirst(vocabulary) }
            return Array(all.prefix(vocabulary))
          })
      }
    }
    guard network.readOut.count == configuration.modelDimension + 2 else { return results }
    let weight = network.readOut[configuration.modelDimension]
    for (index, text) in texts.enumerated() {
      let said = text.places.enumerated().filter { $0.element >= text.answerStart }
      let next = session.nextLogProbabilities(of: said.map { Array(text.tokens[..<$0.element]) })
      for (place, values) in zip(said.map(\.offset), next) {
        for token in 0..<vocabulary { results[index][place][token] += weight * values[token] }
      }
    }
    return results
  }

  /// Texts in passes, each judged at its end token.
  private func batches(
    _ texts: [SaliencyText]
  ) -> [(batch: TokenBatch, rows: [JudgedRow], texts: [SaliencyText])] {
    var batches: [(batch: TokenBatch, rows: [JudgedRow], texts: [SaliencyText])] = []
    for text in texts {
      let count = text.tokens.count
      if batches.last.map({ $0.batch.tokens.count + count > pass.maximumTokens }) ?? true {
        batches.append((TokenBatch(), [], []))
      }
      let last = batches.count - 1
      batches[last].batch.append(tokens: text.tokens, targets: text.tokens.map { _ in -1 })
      let end = batches[last].batch.tokens.count
      batches[last].rows.append(
        JudgedRow(row: end - 1, start: end - count + text.answerStart - 1))
      batches[last].texts.append(text)
    }
    return batches
  }
}
