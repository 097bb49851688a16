import Foundation
import LabCore

/// Reads a config.json of Hugging Face: Qwen3 or Llama with all that kglab's models compute, and
/// nothing else.
///
/// Files come from outside. A field that would change what the model computes is refused by name;
/// so is an unknown field, unless it is null or false.
struct HuggingFaceReader {
  private let fields: [String: JSONValue]
  private let file: String

  /// What the sizes of a model are called in config.json.
  private static let names: [ModelConfiguration.CodingKeys: String] = [
    .layerCount: "num_hidden_layers", .modelDimension: "hidden_size",
    .headCount: "num_attention_heads", .feedForwardDimension: "intermediate_size",
    .vocabularySize: "vocab_size", .contextLength: "max_position_embeddings",
  ]

  /// Fields that change nothing in a forward pass without dropout.
  private static let ignored: Set = [
    "_name_or_path", "attention_dropout", "bos_token_id", "dtype", "eos_token_id",
    "initializer_range", "max_window_layers", "pad_token_id", "pretraining_tp", "sliding_window",
    "torch_dtype", "transformers_version", "use_cache",
  ]

  init(_ data: Data, file: String) throws {
    self.file = file
    guard let fields = try? JSONDecoder().decode([String: JSONValue].self, from: data)
    else { throw LabError("\(file) is not a JSON object; restore it") }
    self.fields = fields
  }

  /// The shape described; throws `LabError` naming the field at the first thing that is not
  /// supported.
  func model() throws -> ModelConfiguration {
    let isQwen = try modelType() == "qwen3"
    let width = try count("hidden_size")
    let heads = try count("num_attention_heads")
    // What transformers takes where the field is left out.
    try require(
      "num_key_value_heads", default: isQwen ? 32 : heads, heads,
      because: "as many key and value heads as num_attention_heads; they cannot be grouped")
    let model = ModelConfiguration(
      layerCount: try count("num_hidden_layers"), modelDimension: width, headCount: heads,
      feedForwardDimension: try count("intermediate_size"),
      vocabularySize: try count("vocab_size"),
      contextLength: try count("max_position_embeddings"),
      tiedEmbeddings: try flag("tie_word_embeddings"), queryKeyNorm: isQwen)
    if let fault = model.fault(), let name = Self.names[fault.field] {
      throw refuse(name, fields[name], supported: fault.rule)
    }
    try require(
      "head_dim", default: isQwen ? 128 : model.headDimension, model.headDimension,
      because: "hidden_size / num_attention_heads = \(model.headDimension)")
    try checkFixedFields()
    try checkRotary()
    try checkUnknownFields()
    return model
  }

  // MARK: Checks

  private func refuse(
    _ name: String, _ value: JSONValue?, supported: String
  ) -> LabError {
    let found = value.map { "is \($0)" } ?? "is missing"
    return LabError("\(file): '\(name)' \(found); kglab supports \(supported)")
  }

  private func modelType() throws -> String {
    let families = ["llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"]
    guard case .text(let type) = fields["model_type"], let architecture = families[type] else {
      throw refuse("model_type", fields["model_type"], supported: "\"llama\" and \"qwen3\"")
    }
    let architectures = fields["architectures"] ?? .null
    guard architectures == .null || architectures == .list([.text(architecture)]) else {
      throw refuse("architectures", architectures, supported: "[\"\(architecture)\"] with it")
    }
    return type
  }

  private func count(_ name: String) throws -> Int {
    guard case .number(let value) = fields[name], let count = Int(exactly: value), count > 0 else {
      throw refuse(name, fields[name], supported: "a whole number above 0")
    }
    return count
  }

  private func flag(_ name: String) throws -> Bool {
    switch fields[name] ?? .null {
    case .flag(let value): return value
    case .null: return false
    case let value: throw refuse(name, value, supported: "true and false")
    }
  }

  private func require(
    _ name: String, default fallback: Int, _ expected: Int, because supported: String
  ) throws {
    let value = fields[name] ?? .null
    let isGiven = value != .null
    guard (isGiven ? value : .number(Double(fallback))) == .number(Double(expected)) else {
      throw refuse(name, isGiven ? value : nil, supported: supported)
    }
  }

  private func checkFixedFields() throws {
    let expected: [(String, JSONValue, String)] = [
      ("hidden_act", .text("silu"), "\"silu\" (SwiGLU) in this format"),
      ("attention_bias", .flag(false), "projections without biases: false"),
      ("mlp_bias", .flag(false), "projections without biases: false"),
      ("use_sliding_window", .flag(false), "attention over the whole sequence: false"),
      ("rms_norm_eps", .number(Double("\(ModelConfiguration.normEpsilon)") ?? 0), "1e-06"),
    ]
    for (name, value, supported) in expected {
      guard let found = fields[name], found != .null, found != value else { continue }
      throw refuse(name, found, supported: supported)
    }
    if case .list(let layers) = fields["layer_types"] ?? .null,
      let other = layers.first(where: { $0 != .text("full_attention") })
    {
      throw refuse("layer_types", other, supported: "\"full_attention\" in every layer")
    }
  }

  private func checkRotary() throws {
    let base = JSONValue.number(ModelConfiguration.rotaryBase)
    let supported = "rotary positions with the base 10000 and no scaling"
    if let theta = fields["rope_theta"], theta != .null, theta != base {
      throw refuse("rope_theta", theta, supported: supported)
    }
    for name in ["rope_parameters", "rope_scaling"] {
      guard let value = fields[name], value != .null else { continue }
      guard case .object(let entries) = value else {
        throw refuse(name, value, supported: supported)
      }
      for (key, entry) in entries.sorted(by: { $0.key < $1.key }) where entry != .null {
        let isPlain =
          switch key {
          case "rope_type", "type": entry == .text("default")
          case "rope_theta": entry == base
          case "partial_rotary_factor": entry == .number(1)
          default: false
          }
        guard isPlain else { throw refuse("\(name).\(key)", entry, supported: supported) }
      }
    }
  }

  private func checkUnknownFields() throws {
    let known = Self.ignored.union([
      "architectures", "attention_bias", "head_dim", "hidden_act", "hidden_size",
      "intermediate_size", "layer_types", "max_position_embeddings", "mlp_bias", "model_type",
      "num_attention_heads", "num_hidden_layers", "num_key_value_heads", "rms_norm_eps",
      "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings", "use_sliding_window",
      "vocab_size",
    ])
    for (name, value) in fields.sorted(by: { $0.key < $1.key })
    where !known.contains(name) && value != .null && value != .flag(false) {
      throw LabError(
        "\(file): '\(name)' is \(value); kglab does not know this field, which may change what the "
          + "model computes; remove it where it does not")
    }
  }
}
