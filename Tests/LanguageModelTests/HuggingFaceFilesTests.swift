import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

/// The files that `AutoModelForCausalLM` reads, trap by trap, and the same files read back.
struct HuggingFaceFilesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let shapes = [false, true].flatMap { tied in
    [false, true].map { norm in
      ModelConfiguration(
        layerCount: 2, modelDimension: 12, headCount: 2, feedForwardDimension: 20,
        vocabularySize: 13, contextLength: 16, tiedEmbeddings: tied, queryKeyNorm: norm)
    }
  }

  private func save(_ shape: ModelConfiguration, to folder: URL) throws -> [Float] {
    let values = ParameterLayout(shape).initialValues(seed: Seed(1))
    try ModelFiles.save(LanguageModel(shape, values: values, on: .cpu), to: folder)
    return values
  }

  private func text(_ name: String, in folder: URL) throws -> String {
    String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
  }

  // MARK: Written

  @Test(arguments: shapes)
  func configurationHasWhatEveryVersionOfTransformersReads(shape: ModelConfiguration) throws {
    _ = try save(shape, to: folder.url)
    let lines = try text("config.json", in: folder.url).split(separator: "\n").map {
      $0.trimmingCharacters(in: [" ", ","])
    }
    let family = shape.queryKeyNorm ? "Qwen3" : "Llama"
    let expected = [
      "\"architectures\": [\"\(family)ForCausalLM\"]", "\"model_type\": \"\(family.lowercased())\"",
      // Half-split rotary positions, spelled for versions before and since 5, as a float.
      "\"rope_theta\": 10000.0",
      "\"rope_parameters\": {\"rope_theta\": 10000.0, \"rope_type\": \"default\"}",
      "\"dtype\": \"float32\"", "\"torch_dtype\": \"float32\"",
      // Qwen3's default of 128 is another one.
      "\"head_dim\": 6", "\"num_key_value_heads\": 2", "\"bos_token_id\": 2", "\"eos_token_id\": 5",
      "\"pad_token_id\": 0", "\"tie_word_embeddings\": \(shape.tiedEmbeddings)",
      "\"attention_dropout\": 0.0", "\"rms_norm_eps\": 1e-06", "\"vocab_size\": 13",
    ]
    for line in expected { #expect(lines.contains(line), "\(line) is missing") }
    #expect(lines.dropFirst().dropLast().count == 25)
    #expect(
      try text("generation_config.json", in: folder.url) == """
        {
          "bos_token_id": 2,
          "do_sample": false,
          "eos_token_id": 5,
          "max_length": 16,
          "pad_token_id": 0
        }

        """)
  }

  @Test(arguments: shapes)
  func weightsAreMarkedForPyTorchAndTiedOnesWrittenOnce(shape: ModelConfiguration) throws {
    _ = try save(shape, to: folder.url)
    let data = try folder.data("model.safetensors")
    let length = Int(data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    #expect(length % 8 == 0)
    let header = try jsonObject(data[8..<(8 + length)])
    #expect(header["__metadata__"] as? [String: String] == ["format": "pt"])
    #expect((header["lm_head.weight"] == nil) == shape.tiedEmbeddings)
    #expect((header["model.layers.1.self_attn.q_norm.weight"] != nil) == shape.queryKeyNorm)
  }

  /// The first half of a head turns with the second: swapping neighbours instead would change every
  /// logit.
  ///
  /// `TransformersParityTests` holds the numbers; here is the table itself.
  @Test func savedFilesGiveTheSameLogits() throws {
    let shape = Self.shapes[3]
    let model = try LanguageModel(shape, values: save(shape, to: folder.url), on: .cpu)
    let read = try ModelFiles.load(
      ModelFiles.readConfiguration(from: folder.url), from: folder.url, on: .cpu)
    var batch = TokenBatch()
    batch.append(tokens: [2, 7, 3, 8, 4, 9], targets: [7, 3, 8, 4, 9, -1])
    #expect(
      try InferenceSession(model, maximumTokens: 8).allLogits(batch)
        == InferenceSession(read, maximumTokens: 8).allLogits(batch))
  }

  // MARK: Read

  @Test(arguments: shapes)
  func writtenConfigurationIsReadBack(shape: ModelConfiguration) throws {
    let values = try save(shape, to: folder.url)
    #expect(try ModelFiles.readConfiguration(from: folder.url) == shape)
    #expect(try ModelFiles.values(shape, from: folder.url) == values)
  }

  /// What `save_pretrained` of transformers 5.23 wrote for a Qwen3 of this shape, and of 4 for a
  /// Llama.
  @Test func configurationsThatTransformersWroteAreRead() throws {
    let qwen = """
      {"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
       "bos_token_id": null, "dtype": "float32", "eos_token_id": null, "head_dim": 6,
       "hidden_act": "silu", "hidden_size": 12, "initializer_range": 0.02, "intermediate_size": 20,
       "layer_types": ["full_attention", "full_attention"], "max_position_embeddings": 16,
       "max_window_layers": 28, "model_type": "qwen3", "num_attention_heads": 2,
       "num_hidden_layers": 2, "num_key_value_heads": 2, "pad_token_id": null, "rms_norm_eps": 1e-06,
       "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "sliding_window": null,
       "tie_word_embeddings": false, "transformers_version": "5.23.0", "use_cache": true,
       "use_sliding_window": false, "vocab_size": 13}
      """
    let llama = """
      {"_name_or_path": "x", "architectures": ["LlamaForCausalLM"], "attention_bias": false,
       "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 12,
       "intermediate_size": 20, "max_position_embeddings": 16, "model_type": "llama",
       "num_attention_heads": 2, "num_hidden_layers": 2, "num_key_value_heads": 2,
       "pretraining_tp": 1, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 10000.0,
       "tie_word_embeddings": false, "torch_dtype": "float32", "vocab_size": 13}
      """
    for (text, normed) in [(qwen, true), (llama, false)] {
      let folder = try TemporaryFolder()
      try folder.write(text, to: "config.json")
      let shape = try ModelFiles.readConfiguration(from: folder.url)
      #expect(shape == Self.shapes[normed ? 1 : 0])
    }
  }

  /// A field, its value there, and the end of the message.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let field: String
    let value: String?
    let message: String
    var testDescription: String { "\(field) \(value ?? "missing")" }

    init(_ field: String, _ value: String?, _ message: String) {
      self.field = field
      self.value = value
      self.message = message
    }
  }

  static let refusals = [
    Refusal("model_type", "\"gpt2\"", "'model_type' is \"gpt2\"; kglab supports \"llama\" and"),
    Refusal("architectures", "[\"Qwen3Model\"]", "'architectures' is [\"Qwen3Model\"]"),
    Refusal(
      "num_key_value_heads", "1",
      "'num_key_value_heads' is 1; kglab supports as many key and value heads as"),
    Refusal("num_key_value_heads", nil, "'num_key_value_heads' is missing"),
    Refusal("head_dim", "8", "'head_dim' is 8; kglab supports hidden_size / num_attention_heads"),
    Refusal("head_dim", nil, "'head_dim' is missing"),
    Refusal("hidden_size", "12.5", "'hidden_size' is 12.5; kglab supports a whole number"),
    Refusal("hidden_size", "\"12\"", "'hidden_size' is \"12\""),
    Refusal("hidden_size", "true", "'hidden_size' is true"),
    Refusal("num_hidden_layers", "0", "'num_hidden_layers' is 0"),
    Refusal(
      "num_hidden_layers", "16777216",
      "'num_hidden_layers' is 16777216; kglab supports a number between 1 and 4096"),
    Refusal(
      "max_position_embeddings", "1000000000",
      "'max_position_embeddings' is 1000000000; kglab supports a number between 1 and 16777216"),
    Refusal("vocab_size", "1e300", "'vocab_size' is 1e+300; kglab supports a whole number"),
    Refusal("vocab_size", nil, "'vocab_size' is missing"),
    Refusal("num_attention_heads", "5", "'num_key_value_heads' is 2"),
    Refusal("hidden_act", "\"gelu\"", "'hidden_act' is \"gelu\"; kglab supports \"silu\""),
    Refusal("attention_bias", "true", "'attention_bias' is true; kglab supports projections"),
    Refusal("mlp_bias", "true", "'mlp_bias' is true"),
    Refusal("use_sliding_window", "true", "'use_sliding_window' is true"),
    Refusal(
      "layer_types", "[\"full_attention\", \"sliding_attention\"]",
      "'layer_types' is \"sliding_attention\""),
    Refusal("rms_norm_eps", "1e-05", "'rms_norm_eps' is 1e-05; kglab supports 1e-06"),
    Refusal("rope_theta", "500000.0", "'rope_theta' is 500000; kglab supports rotary positions"),
    Refusal(
      "rope_parameters", "{\"rope_type\": \"linear\", \"factor\": 2.0}",
      "'rope_parameters.factor' is 2; kglab supports rotary positions with the base 10000"),
    Refusal("rope_scaling", "{\"type\": \"yarn\"}", "'rope_scaling.type' is \"yarn\""),
    Refusal("tie_word_embeddings", "1", "'tie_word_embeddings' is 1; kglab supports true and"),
    Refusal("logit_scale", "2.0", "'logit_scale' is 2; kglab does not know this field"),
    Refusal("quantization_config", "{\"bits\": 4}", "'quantization_config' is {\"bits\": 4}"),
  ]

  @Test(arguments: refusals)
  func unsupportedFieldsAreNamed(refusal: Refusal) throws {
    _ = try save(Self.shapes[1], to: folder.url)
    let file = folder["config.json"]
    var lines = try text("config.json", in: folder.url).split(separator: "\n").dropFirst()
      .dropLast().map { $0.trimmingCharacters(in: [" ", ","]) }
    lines.removeAll { $0.hasPrefix("\"\(refusal.field)\":") }
    if let value = refusal.value { lines.append("\"\(refusal.field)\": \(value)") }
    try Data("{\(lines.joined(separator: ","))}".utf8).write(to: file)
    let error = #expect(throws: LabError.self) {
      try ModelFiles.readConfiguration(from: folder.url)
    }
    let message = error?.description ?? ""
    #expect(message.hasPrefix("\(file.path): "), "\(message)")
    #expect(message.contains(refusal.message), "\(message)")
  }

  @Test func foldersWithoutAConfigurationAreRefused() throws {
    expectFailure("config.json: a Hugging Face model folder has that file") {
      try ModelFiles.readConfiguration(from: folder.url)
    }
    try folder.write("[1, 2]", to: "config.json")
    expectFailure("is not a JSON object") { try ModelFiles.readConfiguration(from: folder.url) }
  }

  // MARK: Types of numbers

  /// Numbers and their bytes in half precision and in bfloat16, from PyTorch.
  @Test(
    arguments: [
      ("F16", [0x3C00, 0xC100, 0x0001, 0x7BFF], [1, -2.5, 5.960464477539063e-08, 65504]),
      ("BF16", [0x3F80, 0xC020, 0x3EAB, 0x7F7F], [1, -2.5, 0.333984375, 3.3895313892515355e38]),
    ] as [(String, [UInt16], [Float])])
  func halfPrecisionIsReadExactly(type: String, bits: [UInt16], values: [Float]) throws {
    let header = #"{"x":{"dtype":"\#(type)","shape":[4],"data_offsets":[0,8]}}"#
    var data = Data()
    for shift in stride(from: 0, to: 64, by: 8) {
      data.append(UInt8(truncatingIfNeeded: UInt64(header.utf8.count) >> UInt64(shift)))
    }
    data += Data(header.utf8)
    for value in bits { data += [UInt8(value & 0xFF), UInt8(value >> 8)] }
    let entries = [Safetensors.Entry(name: "x", shape: [4])]
    #expect(
      try Safetensors.decode(
        data, entries, file: "f", numberTypes: [.single, .half, .brain]) == values)
    expectFailure("of shape [4], not F32 of shape [4]") {
      try Safetensors.decode(data, entries, file: "f")
    }
    #expect(throws: LabError.self) {
      try Safetensors.decode(
        data.dropLast(), entries, file: "f", numberTypes: [.single, .half, .brain])
    }
  }
}
