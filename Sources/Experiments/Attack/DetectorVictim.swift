import Compute
package import Detection
import Foundation
import LabCore
import LanguageModel

/// A full detector, or several of one shape as one, whose logits are averaged: wrong where it takes a hallucination for none, or the
/// other way round.
///
/// The line between the two is a score of one half. Its loss is -log of the probability of the wrong verdict.
package final class DetectorVictim: AttackVictim {
  private let members: [(network: FullNetwork, pass: TrainingPass)]
  private let scratch: Gradients

  package let unreadCount = 0
  package var parameterCount: Int {
    members.reduce(0) { $0 + $1.network.model.configuration.nonEmbeddingParameterCount }
  }
  private var maximumTokens: Int { members[0].pass.maximumTokens }

  /// Throws `LabError` when memory is short.
  package convenience init(_ network: FullNetwork) throws { try self.init(ensemble: [network]) }

  /// The mean of the logits of one or more networks of one shape; throws `LabError` when memory is short.
  package init(ensemble networks: [FullNetwork]) throws {
    members = try networks.map { network in
      let configuration = network.model.configuration
      let model = try network.model.inPrecision(.fp32)
      let pass = try TrainingPass(
        model,
        maximumTokens: max(
          TrainingPass.preferredMicroBatchTokens(configuration), configuration.contextLength))
      return (FullNetwork(model: model, readOut: network.readOut), pass)
    }
    let model = members[0].network.model
    scratch = try Gradients(model.layout, on: model.device)
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
    let logits = batches(texts).flatMap { batch, rows, _ in self.logits(batch, rows) }
    guard logits.allSatisfy(\.isFinite) else {
      throw LabError("the detector's scores are not numbers; train it again")
    }
    return logits
  }

  /// The mean over the members.
  private func logits(_ batch: TokenBatch, _ rows: [JudgedRow]) -> [Float] {
    let all = members.map { network, pass in
      pass.logits(batch, rows: rows, readOut: network.readOut).logits
    }
    guard all.count > 1 else { return all[0] }
    return rows.indices.map { row in all.reduce(0) { $0 + $1[row] } / Float(all.count) }
  }

  package func gradients(of texts: [AttackedText]) throws -> [[Float]] {
    let vocabulary = members[0].network.model.configuration.vocabularySize
    var results: [[Float]] = []
    for (batch, rows, own) in batches(texts) {
      let slopes = zip(own, logits(batch, rows)).map { text, logit in
        (text.example.isHallucination ? 1 / (1 + exp(-logit)) : -1 / (1 + exp(logit)))
          / Float(members.count)
      }
      let fields = zip(own, rows).map { text, row -> [Int] in
        let first = row.row + 1 - text.line.count + text.example.before.count + 1
        return Array(first..<(first + text.field.count - 1))
      }
      let places = fields.flatMap(\.self)
      var sum: [Float] = []
      for (network, pass) in members {
        pass.stream.zero(scratch.values)
        pass.backward(
          batch, rows: rows, readOut: network.readOut, logitGradient: slopes, into: scratch)
        let own = pass.oneHotGradients(of: places)
        sum = sum.isEmpty ? own : zip(sum, own).map { $0 + $1 }
      }
      var all = sum[...]
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
      if batches.last.map({ $0.batch.tokens.count + line.count > maximumTokens }) ?? true {
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
