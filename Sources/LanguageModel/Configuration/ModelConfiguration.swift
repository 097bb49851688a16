import LabCore

/// The feed-forward block's non-linearity.
package enum Activation: String, Codable, CaseIterable, Sendable {
  /// silu(gate) * up, three matrices (Shazeer 2020).
  case swiglu
  /// GELU in its tanh form, two matrices; no Hugging Face class matches it.
  case gelu
}

/// Shape of a decoder-only pre-norm transformer with RMSNorm, rotary positions and no biases.
package struct ModelConfiguration: Codable, Hashable, Sendable {
  package var layerCount: Int
  package var modelDimension: Int
  package var headCount: Int
  package var feedForwardDimension: Int
  package var vocabularySize: Int
  /// Longest sequence, in tokens.
  package var contextLength: Int
  package var activation: Activation
  package var tiedEmbeddings: Bool
  /// RMS norm of each head's queries and keys (as in Qwen3).
  package var queryKeyNorm: Bool

  enum CodingKeys: String, SnakeCaseKey {
    case layerCount, modelDimension, headCount, feedForwardDimension, vocabularySize, contextLength,
      activation, tiedEmbeddings, queryKeyNorm
  }

  /// The constant inside every norm's square root.
  package static let normEpsilon: Float = 1e-6
  /// Base of the rotary frequencies (arXiv 2104.09864), which Hugging Face calls rope_theta.
  package static let rotaryBase: Double = 10_000

  /// A configuration with the lab's defaults: SwiGLU, qk-norm, untied embeddings.
  package init(
    layerCount: Int, modelDimension: Int, headCount: Int, feedForwardDimension: Int,
    vocabularySize: Int, contextLength: Int, activation: Activation = .swiglu,
    tiedEmbeddings: Bool = false, queryKeyNorm: Bool = true
  ) {
    self.layerCount = layerCount
    self.modelDimension = modelDimension
    self.headCount = headCount
    self.feedForwardDimension = feedForwardDimension
    self.vocabularySize = vocabularySize
    self.contextLength = contextLength
    self.activation = activation
    self.tiedEmbeddings = tiedEmbeddings
    self.queryKeyNorm = queryKeyNorm
  }

  package var headDimension: Int { modelDimension / max(headCount, 1) }

  /// Refuses shapes that no transformer can have; throws `LabError` naming the field.
  package func validate() throws {
    guard let fault = fault() else { return }
    throw LabError("\(fault.field.stringValue) is \(fault.value); it must be \(fault.rule)", .usage)
  }

  /// The first size that no model of kglab can have, and what it must be; nil for a sound shape.
  ///
  /// What passes can be counted without overflow: layers, values and operations.
  func fault() -> (field: CodingKeys, value: Int, rule: String)? {
    let sizes: [(CodingKeys, Int, Int)] = [
      (.layerCount, layerCount, Self.mostLayers), (.modelDimension, modelDimension, 1 << 20),
      (.headCount, headCount, 1 << 20), (.feedForwardDimension, feedForwardDimension, 1 << 24),
      (.vocabularySize, vocabularySize, 1 << 24), (.contextLength, contextLength, 1 << 24),
    ]
    for (field, value, most) in sizes where !(1...most).contains(value) {
      return (field, value, "a number between 1 and \(most)")
    }
    guard modelDimension % headCount == 0, headDimension % 2 == 0 else {
      return (
        .modelDimension, modelDimension,
        "an even multiple of the number of heads, \(headCount)"
      )
    }
    let width = Double(modelDimension)
    let layer = 4 * width * width + 3 * width * Double(feedForwardDimension)
    let values = Double(layerCount) * layer + 2 * width * Double(vocabularySize)
    guard values <= Self.mostValues else {
      return (
        .modelDimension, modelDimension,
        "small enough for at most \(Int(Self.mostValues)) parameters in all"
      )
    }
    return nil
  }

  /// The most layers of a model.
  package static let mostLayers = 4_096
  /// The most parameters of a model: 4 TiB of them.
  private static let mostValues = Double(1 << 40)
}

/// A shape in a file is sound, or the file is refused by a `LabError` naming the field.
extension ModelConfiguration {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      layerCount: try container.decode(Int.self, forKey: .layerCount),
      modelDimension: try container.decode(Int.self, forKey: .modelDimension),
      headCount: try container.decode(Int.self, forKey: .headCount),
      feedForwardDimension: try container.decode(Int.self, forKey: .feedForwardDimension),
      vocabularySize: try container.decode(Int.self, forKey: .vocabularySize),
      contextLength: try container.decode(Int.self, forKey: .contextLength),
      activation: try container.decode(Activation.self, forKey: .activation),
      tiedEmbeddings: try container.decode(Bool.self, forKey: .tiedEmbeddings),
      queryKeyNorm: try container.decode(Bool.self, forKey: .queryKeyNorm))
    if let fault = fault() {
      throw LabError("\(fault.field.stringValue) is \(fault.value); it must be \(fault.rule)")
    }
  }
}

extension ModelConfiguration {
  /// Parameters outside the embedding and the read-out: the study's size axis.
  package var nonEmbeddingParameterCount: Int {
    ParameterLayout(self).tensors.filter { !$0.isEmbedding }.reduce(0) { $0 + $1.count }
  }

  /// All parameters.
  package var parameterCount: Int { ParameterLayout(self).count }
}
