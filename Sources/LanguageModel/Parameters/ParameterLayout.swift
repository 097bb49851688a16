/// One named tensor inside the block of all parameters.
package struct ParameterTensor: Hashable, Sendable {
  /// What a tensor does, which decides its initial values.
  package enum Role: Hashable, Sendable {
    case embedding
    /// Reads the residual stream.
    case input
    /// Writes into the residual stream.
    case output
    case readOut
    case norm
  }

  /// The Hugging Face name, for example "model.layers.0.self_attn.q_proj.weight".
  package let name: String
  /// (outputs, inputs) of a matrix, (V, C) of the embedding, (C) of a norm.
  package let shape: [Int]
  /// Place of the first value in the block.
  package let offset: Int
  package let role: Role

  package var count: Int { shape.reduce(1, *) }
  package var isEmbedding: Bool { role == .embedding || role == .readOut }
}

/// Where every parameter lives in one flat block: the list behind initialisation, saving,
/// optimising, counting.
///
/// Matrices come first and norms last, so that weight decay applies to one stretch. The query, key
/// and value matrices of a layer are neighbours, and so are gate and up: each group is one matrix
/// product.
package struct ParameterLayout: Sendable {
  package let configuration: ModelConfiguration
  package let tensors: [ParameterTensor]
  /// The read-out's Hugging Face name, where it is no copy of the embedding.
  static let readOutName = "lm_head.weight"
  /// Number of values in matrices; norms follow.
  package let matrixCount: Int
  /// Number of values in all.
  package let count: Int

  package init(_ configuration: ModelConfiguration) {
    self.configuration = configuration
    var tensors: [ParameterTensor] = []
    var offset = 0
    func add(_ name: String, _ shape: [Int], _ role: ParameterTensor.Role) {
      let tensor = ParameterTensor(name: name, shape: shape, offset: offset, role: role)
      tensors.append(tensor)
      offset += tensor.count
    }
    let width = configuration.modelDimension
    let hidden = configuration.feedForwardDimension
    add("model.embed_tokens.weight", [configuration.vocabularySize, width], .embedding)
    for layer in 0..<configuration.layerCount {
      let prefix = "model.layers.\(layer)."
      for name in ["q_proj", "k_proj", "v_proj"] {
        add(prefix + "self_attn.\(name).weight", [width, width], .input)
      }
      add(prefix + "self_attn.o_proj.weight", [width, width], .output)
      if configuration.activation == .swiglu {
        add(prefix + "mlp.gate_proj.weight", [hidden, width], .input)
      }
      add(prefix + "mlp.up_proj.weight", [hidden, width], .input)
      add(prefix + "mlp.down_proj.weight", [width, hidden], .output)
    }
    if !configuration.tiedEmbeddings {
      add(Self.readOutName, [configuration.vocabularySize, width], .readOut)
    }
    matrixCount = offset
    for layer in 0..<configuration.layerCount {
      let prefix = "model.layers.\(layer)."
      add(prefix + "input_layernorm.weight", [width], .norm)
      if configuration.queryKeyNorm {
        add(prefix + "self_attn.q_norm.weight", [configuration.headDimension], .norm)
        add(prefix + "self_attn.k_norm.weight", [configuration.headDimension], .norm)
      }
      add(prefix + "post_attention_layernorm.weight", [width], .norm)
    }
    add("model.norm.weight", [width], .norm)
    self.tensors = tensors
    count = offset
  }
}
