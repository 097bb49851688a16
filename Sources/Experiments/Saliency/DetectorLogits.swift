package import Detection
import LabCore
import LanguageModel

/// The logit of a `full` detector, with memory for one worker, in single precision.
package final class DetectorLogits: LogitModel {
  private let pass: FullNetworkPass
  private let session: InferenceSession

  /// Throws `LabError` when memory is short.
  package init(_ network: FullNetwork) throws {
    pass = try FullNetworkPass(network)
    let model = pass.network.model
    session = try InferenceSession(
      model, maximumTokens: max(1_024, TrainingPass.usualMicroBatchTokens(model.configuration)))
  }

  private func batches(_ texts: [SaliencyText]) -> [FullNetworkPass.Batch] {
    pass.batches(texts.map { ($0.tokens, $0.answerStart) })
  }

  package func logits(of texts: [SaliencyText]) throws -> [Double] {
    let logits = batches(texts).flatMap(pass.logits)
    guard logits.allSatisfy(\.isFinite) else {
      throw LabError("the detector's scores are not numbers; train it again")
    }
    return logits.map(Double.init)
  }

  /// Of what is read in a place; and, where the logit reads the answer's log-probability, of what
  /// is said there: that is linear in the one-hot row, by the log-probability of each token.
  package func gradients(of texts: [SaliencyText]) throws -> [[[Float]]] {
    let (network, configuration) = (pass.network, pass.network.model.configuration)
    let vocabulary = configuration.vocabularySize
    var results = batches(texts).flatMap { batch in
      // The logits are computed for what the backward pass takes up from them.
      let slopes = pass.logits(batch).map { _ in Float(1) }
      return pass.gradients(batch, slopes, places: texts[batch.texts].map(\.places)).map { all in
        stride(from: 0, to: all.count, by: vocabulary).map { Array(all[$0..<$0 + vocabulary]) }
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
}
