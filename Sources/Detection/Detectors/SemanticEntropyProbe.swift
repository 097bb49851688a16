import Foundation
import LabCore
package import LanguageModel

/// A linear probe for high semantic entropy (arXiv 2406.15927), which learns from no verdict.
///
/// Semantic entropy is of the further completions of a query; objects are the clusters. It is cut
/// in two where the squared errors of both halves of the training part are least.
package struct SemanticEntropyProbe: DetectorRecipe {
  private let layers: [CaptureStream]
  private let width: Int
  /// At `<O>`, or at the last token: the two places of the paper.
  private let place: AnswerPlace

  package var kind: DetectorKind { .entropyProbe }
  package var name: String { "entropy-probe@\(place.rawValue)" }

  /// Reads two adjacent layers of a model of this shape, from two thirds of the way up.
  package init(place: AnswerPlace, _ configuration: ModelConfiguration) {
    let middle = LayerChoice.upperMiddle(configuration)
    let all = [middle, min(middle + 1, configuration.layerCount)]
    layers = Set(all).sorted().map { .residual($0) }
    width = layers.count * configuration.modelDimension
    self.place = place
  }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    guard book.hasEvidence else { return [] }
    return [.before, .last].map { SemanticEntropyProbe(place: $0, book.configuration) }
  }

  package var shape: DetectorShape {
    DetectorShape(
      layer: layers.map { $0.name.replacingOccurrences(of: "layer-", with: "") }
        .joined(separator: "+"), place: place.rawValue, hiddenSizes: [],
      parameters: HeadArchitecture.linear.parameterCount(inputWidth: width))
  }

  package var streams: Set<CaptureStream> { Set(layers) }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let entropies = try material.set.examples.indices.map { row in
      guard let evidence = material.evidence(row) else { throw DetectionError.noEvidence }
      return evidence.semanticEntropy
    }
    let threshold = Self.threshold(material.rows(.train).map { entropies[$0] })
    var labels = entropies.map { $0 > threshold }
    let train = material.rows(.train)
    if train.allSatisfy({ labels[$0] == labels[train[0]] }) {
      throw DetectionError.evidenceIsConstant
    }
    // A null test must not learn from the entropies either.
    if material.learnedLabels != material.set.examples.map(\.isHallucination) {
      var stream = material.seed.stream("detection/shuffled/\(name)")
      stream.shuffle(&labels)
    }
    var fitted = try FeatureHead(.linear, FeatureSelection(layers), place: place, name: name)
      .fit(material, labels: labels)
    // It says how likely a high entropy is.
    fitted.isProbability = false
    return fitted
  }

  /// The cut into values at most and above it that leaves the least squared error around the two
  /// means.
  package static func threshold(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let total = sorted.reduce(0, +)
    var best = (gain: -Double.infinity, cut: sorted.last ?? 0)
    var sum = 0.0
    for index in sorted.indices.dropLast() {
      sum += sorted[index]
      guard sorted[index] < sorted[index + 1] else { continue }
      let (low, high) = (Double(index + 1), Double(sorted.count - index - 1))
      let gain = sum * sum / low + (total - sum) * (total - sum) / high
      if gain > best.gain { best = (gain, (sorted[index] + sorted[index + 1]) / 2) }
    }
    return best.cut
  }
}
