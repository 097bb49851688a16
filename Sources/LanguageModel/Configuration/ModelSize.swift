import LabCore

/// One step of the size dial: a name and the shape behind it.
package struct ModelSize: Hashable, Sendable {
  package let name: String
  package let layerCount: Int
  package let modelDimension: Int
  package let headCount: Int

  /// The dial, smallest first; sizes are non-embedding parameter counts, rounded to the name.
  ///
  /// 3m, 100m, 400m and 1.6b have the shapes 12 L d^2 = 3.15M, 113M, 403M and 1.61B of the paper's
  /// figures.
  package static let all: [ModelSize] = [
    ModelSize(name: "3k", layerCount: 1, modelDimension: 16, headCount: 1),
    ModelSize(name: "6k", layerCount: 2, modelDimension: 16, headCount: 1),
    ModelSize(name: "10k", layerCount: 2, modelDimension: 20, headCount: 1),
    ModelSize(name: "20k", layerCount: 3, modelDimension: 24, headCount: 2),
    ModelSize(name: "30k", layerCount: 2, modelDimension: 36, headCount: 2),
    ModelSize(name: "56k", layerCount: 2, modelDimension: 48, headCount: 3),
    ModelSize(name: "100k", layerCount: 2, modelDimension: 64, headCount: 4),
    ModelSize(name: "200k", layerCount: 4, modelDimension: 64, headCount: 4),
    ModelSize(name: "300k", layerCount: 4, modelDimension: 80, headCount: 5),
    ModelSize(name: "600k", layerCount: 4, modelDimension: 112, headCount: 7),
    ModelSize(name: "1m", layerCount: 5, modelDimension: 128, headCount: 4),
    ModelSize(name: "3m", layerCount: 4, modelDimension: 256, headCount: 8),
    ModelSize(name: "10m", layerCount: 8, modelDimension: 320, headCount: 10),
    ModelSize(name: "30m", layerCount: 10, modelDimension: 512, headCount: 16),
    ModelSize(name: "100m", layerCount: 16, modelDimension: 768, headCount: 24),
    ModelSize(name: "400m", layerCount: 32, modelDimension: 1024, headCount: 32),
    ModelSize(name: "1.6b", layerCount: 32, modelDimension: 2048, headCount: 64),
  ]
}

extension ModelSize {
  /// The size called `name`: one of the dial, or layers and width with heads of 16, such as
  /// "4x256".
  ///
  /// Throws `LabError` with the nearest known size for any other name.
  package init(named name: String) throws {
    if let size = Self.all.first(where: { $0.name == name.lowercased() }) {
      self = size
      return
    }
    guard let (layers, width) = Self.layersAndWidth(name) else {
      let names = Self.all.map(\.name)
      throw LabError(
        "unknown size '\(name)'\(Suggestion.hint(for: name, in: names)); "
          + "sizes: \(names.joined(separator: " ")), or layers x width, such as 4x256", .usage)
    }
    guard (1...ModelConfiguration.mostLayers).contains(layers), width > 0, width <= 1 << 20,
      width % Self.freeHeadDimension == 0
    else {
      throw LabError(
        "size '\(name)' is \(layers) layers of width \(width); it must be 1 to \(ModelConfiguration.mostLayers) layers, "
          + "and the width a multiple of \(Self.freeHeadDimension) up to \(1 << 20)", .usage)
    }
    self.init(
      name: "\(layers)x\(width)", layerCount: layers, modelDimension: width,
      headCount: width / Self.freeHeadDimension)
  }

  /// Size of a head where layers and width are given.
  private static let freeHeadDimension = 16

  private static func layersAndWidth(_ name: String) -> (layers: Int, width: Int)? {
    let parts = name.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let layers = Int(parts[0]), let width = Int(parts[1]) else {
      return nil
    }
    return (layers, width)
  }

  /// The full shape for a vocabulary and a context length; feed-forward 8/3 d, rounded up to 8.
  package func configuration(
    vocabularySize: Int, contextLength: Int, activation: Activation = .swiglu,
    tiedEmbeddings: Bool = false, queryKeyNorm: Bool = true
  ) -> ModelConfiguration {
    let width = activation == .swiglu ? (8 * modelDimension + 2) / 3 : 4 * modelDimension
    return ModelConfiguration(
      layerCount: layerCount, modelDimension: modelDimension, headCount: headCount,
      feedForwardDimension: (width + 7) / 8 * 8, vocabularySize: vocabularySize,
      contextLength: contextLength, activation: activation, tiedEmbeddings: tiedEmbeddings,
      queryKeyNorm: queryKeyNorm)
  }
}
