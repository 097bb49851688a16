package import Detection
import Foundation
import LabCore
import LanguageModel

/// A full detector, or several of one shape as one, whose logits are averaged: wrong where it takes
/// a hallucination for none, or the other way round.
///
/// The line between the two is a score of one half. Its loss is -log of the probability of the
/// wrong verdict.
package final class DetectorVictim: AttackVictim {
  private let members: [FullNetworkPass]

  package let unreadCount = 0
  package var parameterCount: Int {
    members.reduce(0) { $0 + $1.network.model.configuration.nonEmbeddingParameterCount }
  }

  /// Throws `LabError` when memory is short.
  package convenience init(_ network: FullNetwork) throws { try self.init(ensemble: [network]) }

  /// The mean of the logits of one or more networks of one shape; throws `LabError` when memory is
  /// short.
  package init(ensemble networks: [FullNetwork]) throws {
    members = try networks.map { try FullNetworkPass($0) }
  }

  package func outcomes(of texts: [AttackedText]) throws -> [AttackOutcome] {
    zip(texts, try logits(of: texts)).map { text, logit in
      let isWrong = (logit > 0) != text.example.isHallucination
      let probability = 1 / (1 + exp(-Double(logit)))
      return AttackOutcome(
        answer: String(format: "%.4f", probability), isWrong: isWrong, isTarget: isWrong)
    }
  }

  /// log(1 + exp(l)) where the answer is a hallucination, which a low logit l denies, or else
  /// log(1 + exp(-l)).
  package func losses(of texts: [AttackedText]) throws -> [Double] {
    zip(texts, try logits(of: texts)).map { text, logit in
      let value = text.example.isHallucination ? Double(logit) : -Double(logit)
      return max(value, 0) + log1p(exp(-abs(value)))
    }
  }

  private func batches(_ texts: [AttackedText]) -> [FullNetworkPass.Batch] {
    members[0].batches(texts.map { ($0.line, $0.prompt.count) })
  }

  private func logits(of texts: [AttackedText]) throws -> [Float] {
    let logits = batches(texts).flatMap(logits)
    guard logits.allSatisfy(\.isFinite) else {
      throw LabError("the detector's scores are not numbers; train it again")
    }
    return logits
  }

  /// The mean over the members.
  private func logits(_ batch: FullNetworkPass.Batch) -> [Float] {
    let all = members.map { $0.logits(batch) }
    guard all.count > 1 else { return all[0] }
    return all[0].indices.map { row in all.reduce(0) { $0 + $1[row] } / Float(all.count) }
  }

  package func gradients(of texts: [AttackedText]) throws -> [[Float]] {
    batches(texts).flatMap { batch -> [[Float]] in
      let own = texts[batch.texts]
      let slopes = zip(own, logits(batch)).map { text, logit in
        (text.example.isHallucination ? 1 / (1 + exp(-logit)) : -1 / (1 + exp(logit)))
          / Float(members.count)
      }
      let places = own.map { text in
        let first = text.example.before.count + 1
        return Array(first..<(first + text.field.count - 1))
      }
      let all = members.map { $0.gradients(batch, slopes, places: places) }
      return own.indices.map { $0 - own.startIndex }.map { text in
        all.dropFirst().reduce(all[0][text]) { sum, other in zip(sum, other[text]).map(+) }
      }
    }
  }
}
