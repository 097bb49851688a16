import Foundation

/// The config.json and generation_config.json that `AutoModelForCausalLM` reads: Qwen3 with
/// qk-norm, Llama without.
enum HuggingFaceConfiguration {
  /// The ids of `<S>`, `<E>` and `<pad>`: transformers would otherwise take 1, 2 and none.
  private static let tokenIDs = [
    ("bos_token_id", "2"), ("eos_token_id", "5"), ("pad_token_id", "0"),
  ]

  /// The bytes of config.json; GELU models have no matching class, and their file says so by its
  /// architecture.
  ///
  /// Written as text because transformers 5 tells 10000 from 10000.0. Both spellings of the rotary
  /// base and of the number type are there, since versions before and after 5 read different ones.
  static func json(_ model: ModelConfiguration) -> Data {
    let isSupported = model.activation == .swiglu
    let family = model.queryKeyNorm ? "Qwen3" : "Llama"
    let architecture = isSupported ? "\(family)ForCausalLM" : "kglab"
    let fields = [
      ("architectures", "[\"\(architecture)\"]"),
      ("attention_bias", "false"),
      ("attention_dropout", "0.0"),
      ("dtype", "\"float32\""),
      ("head_dim", "\(model.headDimension)"),
      ("hidden_act", model.activation == .swiglu ? "\"silu\"" : "\"gelu_pytorch_tanh\""),
      ("hidden_size", "\(model.modelDimension)"),
      ("initializer_range", "0.02"),
      ("intermediate_size", "\(model.feedForwardDimension)"),
      ("max_position_embeddings", "\(model.contextLength)"),
      ("mlp_bias", "false"),
      ("model_type", "\"\(isSupported ? family.lowercased() : "kglab")\""),
      ("num_attention_heads", "\(model.headCount)"),
      ("num_hidden_layers", "\(model.layerCount)"),
      ("num_key_value_heads", "\(model.headCount)"),
      ("rms_norm_eps", "1e-06"),
      ("rope_parameters", "{\"rope_theta\": 10000.0, \"rope_type\": \"default\"}"),
      ("rope_theta", "10000.0"),
      ("tie_word_embeddings", model.tiedEmbeddings ? "true" : "false"),
      ("torch_dtype", "\"float32\""),
      ("use_cache", "true"),
      ("vocab_size", "\(model.vocabularySize)"),
    ]
    return text(fields + tokenIDs)
  }

  /// The bytes of generation_config.json: greedy answers that end at `<E>` or where the context
  /// does.
  ///
  /// transformers would otherwise stop after 20 tokens, prompt included.
  static func generationJSON(_ model: ModelConfiguration) -> Data {
    text([("do_sample", "false"), ("max_length", "\(model.contextLength)")] + tokenIDs)
  }

  private static func text(_ fields: [(name: String, value: String)]) -> Data {
    let lines = fields.sorted { $0.name < $1.name }.map { "  \"\($0.name)\": \($0.value)" }
    return Data("{\n\(lines.joined(separator: ",\n"))\n}\n".utf8)
  }
}
