import Compute

/// The parameters (or their gradients) of one layer, as slices of one block.
struct LayerViews: Sendable {
  /// Queries, keys and values as one matrix (3*C, C).
  let qkv: WeightMatrix
  let attentionOutput: WeightMatrix
  /// Gate and up as one matrix (2*FF, C); only up (FF, C) with GELU.
  let feedForwardInput: WeightMatrix
  let feedForwardOutput: WeightMatrix
  let attentionNorm: FloatSlice
  let queryNorm: FloatSlice?
  let keyNorm: FloatSlice?
  let feedForwardNorm: FloatSlice
}

/// Named slices of one flat block of parameters or gradients.
struct ParameterViews: Sendable {
  let embedding: FloatSlice
  let layers: [LayerViews]
  let finalNorm: FloatSlice
  /// The embedding itself where embeddings are tied.
  let readOut: WeightMatrix

  /// `prepare` makes each matrix of its plain values.
  init(
    _ block: FloatSlice, _ layout: ParameterLayout,
    prepare: (WeightMatrix) throws -> WeightMatrix
  ) throws {
    let configuration = layout.configuration
    let width = configuration.modelDimension
    let places = Dictionary(uniqueKeysWithValues: layout.tensors.map { ($0.name, $0) })
    func view(_ name: String, times factor: Int = 1) -> FloatSlice {
      guard let tensor = places[name] else { preconditionFailure("layout has no \(name)") }
      return block.slice(tensor.offset, tensor.count * factor)
    }
    func matrix(_ name: String, times factor: Int = 1) throws -> WeightMatrix {
      guard let shape = places[name]?.shape else { preconditionFailure("layout has no \(name)") }
      return try prepare(
        WeightMatrix(view(name, times: factor), outputs: shape[0] * factor, inputs: shape[1]))
    }
    embedding = view("model.embed_tokens.weight")
    layers = try (0..<configuration.layerCount).map { layer in
      let prefix = "model.layers.\(layer)."
      let gated = configuration.activation == .swiglu
      let normed = configuration.queryKeyNorm
      return try LayerViews(
        qkv: matrix(prefix + "self_attn.q_proj.weight", times: 3),
        attentionOutput: matrix(prefix + "self_attn.o_proj.weight"),
        feedForwardInput: gated
          ? matrix(prefix + "mlp.gate_proj.weight", times: 2)
          : matrix(prefix + "mlp.up_proj.weight"),
        feedForwardOutput: matrix(prefix + "mlp.down_proj.weight"),
        attentionNorm: view(prefix + "input_layernorm.weight"),
        queryNorm: normed ? view(prefix + "self_attn.q_norm.weight") : nil,
        keyNorm: normed ? view(prefix + "self_attn.k_norm.weight") : nil,
        feedForwardNorm: view(prefix + "post_attention_layernorm.weight"))
    }
    finalNorm = view("model.norm.weight")
    readOut = try matrix(
      configuration.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight")
    precondition(embedding.count == configuration.vocabularySize * width)
  }

  /// Every matrix that products read.
  var matrices: [WeightMatrix] {
    layers.flatMap { [$0.qkv, $0.attentionOutput, $0.feedForwardInput, $0.feedForwardOutput] }
      + [readOut]
  }
}
