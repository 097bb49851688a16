import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel

/// Every text a model can write up to a length, with its probability, computed token by token.
struct BruteForce {
  /// A text and how it ended.
  struct Text {
    let tokens: [Int32]
    /// The end token, another special token, or nil for a text that reached the limit.
    let end: Int32?
    let probability: Double
  }

  private(set) var texts: [Text] = []

  /// Texts after a prompt of up to `length` tokens besides the one that ends them.
  init(_ model: LanguageModel, prompt: [Int32], length: Int, temperature: Double) throws {
    let session = try InferenceSession(model, maximumTokens: 64)
    expand(session, prompt, [], 1, length: length, temperature: temperature)
  }

  private mutating func expand(
    _ session: InferenceSession, _ prompt: [Int32], _ tokens: [Int32], _ probability: Double,
    length: Int, temperature: Double
  ) {
    var batch = TokenBatch()
    let input = prompt + tokens
    batch.append(tokens: input, targets: input)
    let size = session.model.configuration.vocabularySize
    let logits = session.allLogits(batch).suffix(size).map { Double($0) / temperature }
    let weights = logits.map { exp($0) }
    let sum = weights.reduce(0, +)
    for (token, weight) in weights.enumerated() {
      let next = probability * weight / sum
      if token < SpecialToken.allCases.count {
        texts.append(Text(tokens: tokens, end: Int32(token), probability: next))
      } else if tokens.count == length {
        texts.append(Text(tokens: tokens + [Int32(token)], end: nil, probability: next))
      } else {
        expand(
          session, prompt, tokens + [Int32(token)], next, length: length, temperature: temperature)
      }
    }
  }

  /// Probability of all texts with one of the given verdicts on them.
  func probability(
    of verdicts: [Verdict], _ query: Query, _ graph: KnowledgeGraph, _ tokenizer: any Tokenizer
  ) -> Double {
    texts.reduce(0) { sum, text in
      let isWhole = text.end == SpecialToken.end.rawValue
      let verdict = graph.verdict(on: isWhole ? tokenizer.decode(text.tokens) : nil, for: query)
      return sum + (verdicts.contains(verdict) ? text.probability : 0)
    }
  }
}
