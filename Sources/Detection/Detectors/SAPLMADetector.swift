package import LanguageModel

/// SAPLMA (Azaria & Mitchell 2023, arXiv 2304.13734): an MLP of 256, 128 and 64 units on an
/// upper-middle layer.
package struct SAPLMADetector: DetectorRecipe {
  private let layer: Int
  private let width: Int
  private let suffix: String

  package static let architecture = HeadArchitecture(hiddenSizes: [256, 128, 64])

  package var kind: DetectorKind { .saplma }
  package var name: String { "saplma" + suffix }

  /// Reads two thirds of the way up a model of this shape.
  package init(of set: ExampleSet, _ configuration: ModelConfiguration) {
    layer = LayerChoice.upperMiddle(configuration)
    width = configuration.modelDimension
    suffix = set.suffix
  }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    [SAPLMADetector(of: book.set, book.configuration)]
  }

  package var shape: DetectorShape {
    DetectorShape(
      layer: "\(layer)", place: AnswerPlace.last.rawValue,
      hiddenSizes: Self.architecture.hiddenSizes,
      parameters: Self.architecture.parameterCount(inputWidth: width))
  }

  package var streams: Set<CaptureStream> { [.residual(layer)] }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    try FeatureHead(
      Self.architecture, FeatureSelection([.residual(layer)]), place: .last, name: name
    ).fit(material)
  }
}
