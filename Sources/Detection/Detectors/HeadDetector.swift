package import LanguageModel

/// A read-out on the frozen model's states: kind `head`.
package struct HeadDetector: DetectorRecipe {
  package let architecture: HeadArchitecture
  package let layer: LayerChoice
  package let place: AnswerPlace
  let selection: FeatureSelection
  private let width: Int
  private let suffix: String
  private let isSentence: Bool

  package var kind: DetectorKind { .head }

  /// A head on a layer of a model of this shape.
  ///
  /// `place` counts in the sentence task only. Throws `LabError` for a layer that the model does
  /// not have.
  package init(
    _ architecture: HeadArchitecture, layer: LayerChoice, place: AnswerPlace, of set: ExampleSet,
    _ configuration: ModelConfiguration
  ) throws {
    self.architecture = architecture
    self.layer = layer
    self.place = place
    selection = FeatureSelection(try layer.streams(configuration))
    width = selection.width(configuration)
    suffix = set.suffix
    isSentence = set.task == .sentence
  }

  static func recipes(_ book: RecipeBook) throws -> [any DetectorRecipe] {
    try book.atEachPlace(book.options.heads) {
      try HeadDetector($0, layer: $1, place: $2, of: book.set, book.configuration)
    }
  }

  /// "mlp-64", with "@layer-3" where it reads no final states, and "@end" where not the last token.
  package var name: String {
    let layerName =
      switch layer {
      case .final: ""
      case .all: "@all-layers"
      case .layer(let number): "@layer-\(number)"
      }
    return architecture.name + layerName
      + (isSentence && place != .last ? "@\(place.rawValue)" : "") + suffix
  }

  package var shape: DetectorShape {
    DetectorShape(
      layer: layer.name, place: isSentence ? place.rawValue : nil,
      hiddenSizes: architecture.hiddenSizes,
      parameters: architecture.parameterCount(inputWidth: width))
  }

  package var streams: Set<CaptureStream> { Set(selection.streams) }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    try FeatureHead(architecture, selection, place: place, name: name).fit(material)
  }
}
