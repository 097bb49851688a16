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

  enum CodingKeys: String, CodingKey, CaseIterable {
    case layerCount = "layer_count"
    case modelDimension = "model_dimension"
    case headCount = "head_count"
    case feedForwardDimension = "feed_forward_dimension"
    case vocabularySize = "vocabulary_size"
    case contextLength = "context_length"
    case activation
    case tiedEmbeddings = "tied_embeddings"
    case queryKeyNorm = "query_key_norm"
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
    let sizes = [
      ("layer_count", layerCount), ("model_dimension", modelDimension), ("head_count", headCount),
      ("feed_forward_dimension", feedForwardDimension), ("vocabulary_size", vocabularySize),
      ("context_length", contextLength),
    ]
    for (name, value) in sizes where value < 1 || value > 1 << 24 {
      throw LabError("\(name) is \(value); it must be between 1 and \(1 << 24)", .usage)
    }
    guard modelDimension % headCount == 0, headDimension % 2 == 0 else {
      throw LabError(
        "model_dimension \(modelDimension) does not split into \(headCount) heads of even width; "
          + "choose head_count so that model_dimension / head_count is an even whole number", .usage
      )
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
