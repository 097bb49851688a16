import Evaluation
import Foundation
package import LanguageModel

/// RAUQ (arXiv 2505.20045): confidence that decays unless attention carries it from token to token.
///
/// c_1 = p_1; c_t = a p_t + (1 - a) w_t c_(t-1), where w_t is the weight on the token before of the
/// layer's head with the largest mean of them. The score is 1 - mean log c, its maximum over the
/// middle third of the layers.
package struct RAUQDetector: DetectorRecipe {
  /// What is carried from token to token.
  package enum Confidence: String, CaseIterable, Sendable {
    /// The probability of the token drawn.
    case probability = "rauq"
    /// Log of the vocabulary minus the entropy of the distribution it was drawn from, in nats.
    case entropy = "rauq-entropy"

    /// a: how much of a token's confidence is its own.
    package var alpha: Double {
      switch self {
      case .probability: 0.2
      case .entropy: 0.8
      }
    }
  }

  private let confidence: Confidence

  package var kind: DetectorKind { .score }
  package var name: String { confidence.rawValue }
  package var streams: Set<CaptureStream> { [.attention] }
  package var shape: DetectorShape { DetectorShape(layer: "attention") }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    book.isSentence ? Confidence.allCases.map { RAUQDetector(confidence: $0) } : []
  }

  /// The layers from 0 that are looked at: the middle third, at least one.
  package static func layers(_ count: Int) -> Range<Int> {
    let first = count / 3
    return first..<max(first + 1, (2 * count + 2) / 3)
  }

  /// The score from confidences p_1...p_N and, for each layer, heads' weights on the token before
  /// at t = 2...N.
  package static func score(confidences: [Double], alpha: Double, layers: [[[Double]]]) -> Double {
    let scores = layers.map { heads -> Double in
      let chosen = heads.max { $0.reduce(0, +) < $1.reduce(0, +) } ?? []
      var confidence = confidences.first ?? 1
      var sum = log(max(confidence, 1e-30))
      for (own, weight) in zip(confidences.dropFirst(), chosen) {
        confidence = alpha * own + (1 - alpha) * weight * confidence
        sum += log(max(confidence, 1e-30))
      }
      return 1 - sum / Double(max(1, confidences.count))
    }
    return scores.max() ?? 0
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let configuration = material.features.configuration
    let shareCount = AttentionShare.allCases.count
    let layers = Self.layers(configuration.layerCount)
    let heads = configuration.headCount
    let columns = layers.flatMap { layer in
      (0..<heads).map { (layer * heads + $0) * shareCount + AttentionShare.previous.rawValue }
    }
    func scores(_ rows: [Int]) throws -> [Double] {
      // Rows of the tokens 2...N of each answer, the end token's included where it was drawn.
      let spans = rows.map { row -> Range<Int> in
        let index = material.set.examples[row].answer
        let texts = material.features.texts
        let drawn = texts.tokenCount(index) + (material.answer(row).answer.ended ? 1 : 0)
        let first = texts.firstRow(index)
        return drawn > 1 ? (first + 2)..<(first + drawn + 1) : first..<first
      }
      let weights = try material.features.matrix(
        FeatureSelection([.attention], columns: columns),
        rows: spans.flatMap { $0.map { $0..<($0 + 1) } })
      var start = 0
      return zip(rows, spans).map { row, span in
        let reading = material.reading(row)
        let count = reading.logProbabilities.count - (material.answer(row).answer.ended ? 0 : 1)
        let own = layers.indices.map { layer in
          (0..<heads).map { head in
            span.indices.map { place -> Double in
              let line = start + place - span.lowerBound
              return Double(
                weights[line * columns.count + (layer - layers.lowerBound) * heads + head])
            }
          }
        }
        start += span.count
        return Self.score(
          confidences: confidences(reading, count: count, vocabulary: configuration.vocabularySize),
          alpha: confidence.alpha, layers: own)
      }
    }
    return FittedDetector(
      validation: try scores(material.rows(.validation)), test: try scores(material.rows(.test)))
  }

  private func confidences(_ reading: FeatureColumns, count: Int, vocabulary: Int) -> [Double] {
    switch confidence {
    case .probability: reading.logProbabilities.prefix(count).map { exp(Double($0)) }
    case .entropy: reading.entropies.prefix(count).map { log(Double(vocabulary)) - Double($0) }
    }
  }
}
