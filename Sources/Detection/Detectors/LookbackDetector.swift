package import LanguageModel

/// Logistic regression on where the attention heads look (arXiv 2407.07071).
///
/// `lookback` reads the lookback ratio of each head; `lookback-shares` the weights on subject,
/// predicate, object and special tokens. The sentence task takes the mean over the answer's tokens,
/// the token task the token's own.
package struct LookbackDetector: DetectorRecipe {
  /// What is read of each head.
  package enum Input: String, CaseIterable, Sendable {
    case ratios = "lookback"
    case shares = "lookback-shares"

    var shares: [AttentionShare] {
      switch self {
      case .ratios: [.lookback]
      case .shares: [.special, .subject, .predicate, .object]
      }
    }
  }

  private let input: Input
  private let selection: FeatureSelection
  private let suffix: String

  package var kind: DetectorKind { .lookback }
  package var name: String { input.rawValue + suffix }
  package var streams: Set<CaptureStream> { [.attention] }

  package init(_ input: Input, of set: ExampleSet, _ configuration: ModelConfiguration) {
    self.input = input
    suffix = set.suffix
    let shareCount = AttentionShare.allCases.count
    let heads = configuration.layerCount * configuration.headCount
    selection = FeatureSelection(
      [.attention],
      columns: (0..<heads).flatMap { head in input.shares.map { head * shareCount + $0.rawValue } })
  }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    // Nothing is generated yet before the answer, so its ratio says nothing.
    Input.allCases.filter { book.set.position != .before || $0 == .shares }
      .map { LookbackDetector($0, of: book.set, book.configuration) }
  }

  package var shape: DetectorShape {
    DetectorShape(
      layer: "attention", place: AnswerPlace.mean.rawValue, hiddenSizes: [],
      parameters: (selection.columns?.count ?? 0) + 1)
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    try FeatureHead(.linear, selection, place: .mean, name: name).fit(material)
  }
}
