import Compute

/// The parameters (or their gradients) of one layer, as slices of one block.
struct LayerViews: Sendable {
  /// Queries, keys and values as one matrix (3*C, C).
  let qkv: FloatSlice
  let attentionOutput: FloatSlice
  /// Gate and up as one matrix (2*FF, C); only up (FF, C) with GELU.
  let feedForwardInput: FloatSlice
  let feedForwardOutput: FloatSlice
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
  let readOut: FloatSlice

  init(_ block: FloatSlice, _ layout: ParameterLayout) {
    let configuration = layout.configuration
    let width = configuration.modelDimension
    let places = Dictionary(uniqueKeysWithValues: layout.tensors.map { ($0.name, $0) })
    func view(_ name: String, times factor: Int = 1) -> FloatSlice {
      guard let tensor = places[name] else { preconditionFailure("layout has no \(name)") }
      return block.slice(tensor.offset, tensor.count * factor)
    }
    embedding = view("model.embed_tokens.weight")
    layers = (0..<configuration.layerCount).map { layer in
      let prefix = "model.layers.\(layer)."
      let gated = configuration.activation == .swiglu
      let normed = configuration.queryKeyNorm
      return LayerViews(
        qkv: view(prefix + "self_attn.q_proj.weight", times: 3),
        attentionOutput: view(prefix + "self_attn.o_proj.weight"),
        feedForwardInput: gated
          ? view(prefix + "mlp.gate_proj.weight", times: 2) : view(prefix + "mlp.up_proj.weight"),
        feedForwardOutput: view(prefix + "mlp.down_proj.weight"),
        attentionNorm: view(prefix + "input_layernorm.weight"),
        queryNorm: normed ? view(prefix + "self_attn.q_norm.weight") : nil,
        keyNorm: normed ? view(prefix + "self_attn.k_norm.weight") : nil,
        feedForwardNorm: view(prefix + "post_attention_layernorm.weight"))
    }
    finalNorm = view("model.norm.weight")
    readOut = configuration.tiedEmbeddings ? embedding : view("lm_head.weight")
    precondition(embedding.count == configuration.vocabularySize * width)
  }
}
