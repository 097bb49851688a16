import Compute
package import Detection
import Foundation
import LabCore
import LanguageModel

/// A full detector: wrong where it takes a hallucination for none, or the other way round.
///
/// The line between the two is a score of one half. Its loss is -log of the probability of the wrong verdict.
package final class DetectorVictim: AttackVictim {
  private let network: FullNetwork
  private let pass: TrainingPass
  private let scratch: Gradients

  package let unreadCount = 0
  package var parameterCount: Int { network.model.configuration.nonEmbeddingParameterCount }

  /// Throws `LabError` when memory is short.
  package init(_ network: FullNetwork) throws {
    let configuration = network.model.configuration
    self.network = FullNetwork(
      model: try network.model.inPrecision(.fp32), readOut: network.readOut)
    pass = try TrainingPass(
      self.network.model,
      maximumTokens: max(
        TrainingPass.preferredMicroBatchTokens(configuration), configuration.contextLength))
    scratch = try Gradients(self.network.model.layout, on: self.network.model.device)
  }

  package func outcomes(of texts: [AttackedText]) throws -> [AttackOutcome] {
    zip(texts, try logits(of: texts)).map { text, logit in
      let isWrong = (logit > 0) != text.example.isHallucination
      let probability = 1 / (1 + exp(-Double(logit)))
      return AttackOutcome(
        answer: String(format: "%.4f", probability), isWrong: isWrong, isTarget: isWrong)
    }
  }

  /// log(1 + exp(l)) where the answer is a hallucination, which a low logit l denies, or else log(1 + exp(-l)).
  package func losses(of texts: [AttackedText]) throws -> [Double] {
    zip(texts, try logits(of: texts)).map { text, logit in
      let value = text.example.isHallucination ? Double(logit) : -Double(logit)
      return max(value, 0) + log1p(exp(-abs(value)))
    }
  }

  private func logits(of texts: [AttackedText]) throws -> [Float] {
    let logits = batches(texts).flatMap { batch, rows, _ in
      pass.logits(batch, rows: rows, readOut: network.readOut).logits
    }
    guard logits.allSatisfy(\.isFinite) else {
      throw LabError("the detector's scores are not numbers; train it again")
    }
    return logits
  }

  package func gradients(of texts: [AttackedText]) throws -> [[Float]] {
    let vocabulary = network.model.configuration.vocabularySize
    var results: [[Float]] = []
    for (batch, rows, own) in batches(texts) {
      let logits = pass.logits(batch, rows: rows, readOut: network.readOut).logits
      let slopes = zip(own, logits).map { text, logit in
        text.example.isHallucination ? 1 / (1 + exp(-logit)) : -1 / (1 + exp(logit))
      }
      pass.stream.zero(scratch.values)
      pass.backward(
        batch, rows: rows, readOut: network.readOut, logitGradient: slopes, into: scratch)
      let fields = zip(own, rows).map { text, row -> [Int] in
        let first = row.row + 1 - text.line.count + text.example.before.count + 1
        return Array(first..<(first + text.field.count - 1))
      }
      var all = pass.oneHotGradients(of: fields.flatMap(\.self))[...]
      for field in fields {
        results.append(Array(all.prefix(field.count * vocabulary)))
        all = all.dropFirst(field.count * vocabulary)
      }
    }
    return results
  }

  /// Texts in passes, each with its end token, after the answer that begins behind the prompt.
  private func batches(
    _ texts: [AttackedText]
  ) -> [(batch: TokenBatch, rows: [JudgedRow], texts: [AttackedText])] {
    var batches: [(batch: TokenBatch, rows: [JudgedRow], texts: [AttackedText])] = []
    for text in texts {
      let line = text.line
      if batches.last.map({ $0.batch.tokens.count + line.count > pass.maximumTokens }) ?? true {
        batches.append((TokenBatch(), [], []))
      }
      let last = batches.count - 1
      batches[last].batch.append(tokens: line, targets: line.map { _ in -1 })
      let end = batches[last].batch.tokens.count
      batches[last].rows.append(
        JudgedRow(row: end - 1, start: end - line.count + text.prompt.count - 1))
      batches[last].texts.append(text)
    }
    return batches
  }
}
