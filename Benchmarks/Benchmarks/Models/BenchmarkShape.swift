import LabCore
package import LanguageModel

/// The model of the speed comparisons: SwiGLU of 8/3 width, rotary positions, tied embeddings, no
/// qk-norm.
///
/// `scripts/peers` has the same model, weight for weight.
package struct BenchmarkShape: Hashable, Sendable, CustomStringConvertible {
  package let layerCount: Int
  package let width: Int
  package let headCount: Int

  /// Reads "2x64x4": layers, width, heads.
  ///
  /// Throws `LabError` for any other form and for heads that do not divide the width.
  package init(_ text: String) throws {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 3, let layers = parts[0], let width = parts[1], let heads = parts[2] else {
      throw LabError("--shape '\(text)' is not LAYERSxWIDTHxHEADS, such as 2x64x4", .usage)
    }
    self.init(layers, width, heads)
    try configuration(vocabularySize: 8, contextLength: 1).validate()
  }

  /// A shape known to be sound.
  init(_ layerCount: Int, _ width: Int, _ headCount: Int) {
    self.layerCount = layerCount
    self.width = width
    self.headCount = headCount
  }

  package var description: String { "\(layerCount)x\(width)x\(headCount)" }

  /// The model of this shape; feed-forward 8/3 of the width, rounded up to 16.
  package func configuration(vocabularySize: Int, contextLength: Int) -> ModelConfiguration {
    // The width is not validated yet; far too wide ones must not overflow.
    let hidden = 8 * min(width, 1 << 40) / 3
    return ModelConfiguration(
      layerCount: layerCount, modelDimension: width, headCount: headCount,
      feedForwardDimension: (hidden + 15) / 16 * 16, vocabularySize: vocabularySize,
      contextLength: contextLength, tiedEmbeddings: true, queryKeyNorm: false)
  }
}

/// A fixed amount of work, on which speeds are compared.
package struct BenchmarkRegime: Hashable, Sendable {
  package let name: String
  /// Sequences of a training step, or prompts of a generation.
  package let sequences: Int
  /// Tokens of a sequence.
  package let contextLength: Int
  package let vocabularySize: Int
  package let shapes: [BenchmarkShape]

  /// 2,048 tokens a step, as the lab trains.
  package static let lab = BenchmarkRegime(
    name: "lab", sequences: 16, contextLength: 128, vocabularySize: 1_024,
    shapes: [.init(1, 32, 2), .init(2, 64, 4), .init(4, 96, 6), .init(4, 128, 4)])

  /// 8,192 tokens a step, and models up to 27 million parameters.
  package static let wide = BenchmarkRegime(
    name: "wide", sequences: 64, contextLength: 128, vocabularySize: 4_096,
    shapes: [.init(2, 64, 2), .init(4, 128, 4), .init(6, 256, 8), .init(8, 512, 8)])

  /// 256 prompts of 8 tokens with 8 new ones each, 16 in all.
  package static let generation = BenchmarkRegime(
    name: "generation", sequences: 256, contextLength: 16, vocabularySize: 4_096,
    shapes: [.init(4, 128, 4), .init(6, 256, 8)])

  /// Eight small models of the size dial, 3k to 300k, that train side by side.
  package static let ladder = BenchmarkRegime(
    name: "ladder", sequences: 16, contextLength: 128, vocabularySize: 1_024,
    shapes: [
      .init(1, 16, 1), .init(2, 16, 1), .init(2, 20, 1), .init(3, 24, 2), .init(2, 36, 2),
      .init(2, 48, 3), .init(2, 64, 4), .init(4, 80, 5),
    ])
}
