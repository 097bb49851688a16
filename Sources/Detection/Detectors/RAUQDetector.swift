import Evaluation
import Foundation
package import LanguageModel

/// RAUQ (arXiv 2505.20045): confidence that decays unless attention carries it from token to token.
///
/// c_1 = p_1; c_t = a p_t + (1 - a) w_t c_(t-1), where w_t is the weight on the token before of the layer's head with
/// the largest mean of them. The score is 1 - mean log c, its maximum over the middle third of the layers.
package struct RAUQDetector: DetectorRecipe {
  package static let alpha = 0.2

  package var kind: DetectorKind { .score }
  package var name: String { "rauq" }
  package var streams: Set<CaptureStream> { [.attention] }
  package var shape: DetectorShape { DetectorShape(layer: "attention") }

  package init() {}

  /// The layers from 0 that are looked at: the middle third, at least one.
  package static func layers(_ count: Int) -> Range<Int> {
    let first = count / 3
    return first..<max(first + 1, (2 * count + 2) / 3)
  }

  /// The score from probabilities p_1...p_N and, for each layer, heads' weights on the token before at t = 2...N.
  package static func score(probabilities: [Double], layers: [[[Double]]]) -> Double {
    let scores = layers.map { heads -> Double in
      let chosen = heads.max { $0.reduce(0, +) < $1.reduce(0, +) } ?? []
      var confidence = probabilities.first ?? 1
      var sum = log(max(confidence, 1e-30))
      for (probability, weight) in zip(probabilities.dropFirst(), chosen) {
        confidence = alpha * probability + (1 - alpha) * weight * confidence
        sum += log(max(confidence, 1e-30))
      }
      return 1 - sum / Double(max(1, probabilities.count))
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
        let drawn =
          material.answer(row).answer.ended
          ? reading.logProbabilities[...] : reading.logProbabilities.dropLast()
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
        return Self.score(probabilities: drawn.map { exp(Double($0)) }, layers: own)
      }
    }
    return FittedDetector(
      validation: try scores(material.rows(.validation)), test: try scores(material.rows(.test)))
  }
}
