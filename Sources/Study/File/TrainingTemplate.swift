import Compute
import Corpus
import Evaluation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// What models of a study share: tokenizer, architecture and training settings.
struct TrainingTemplate {
  /// A request of no particular size, horizon, fraction and seed.
  private(set) var request = TrainingRequest(size: "3k", epochs: 1)

  /// Reads `tokenizer`, `model` and `training` of the study.
  init(_ node: SchemaNode) throws {
    if let value = node.optional("tokenizer") { try readTokenizer(value) }
    if let value = node.optional("model") { try readModel(value) }
    if let value = node.optional("training") { try readTraining(value) }
  }

  private mutating func readTokenizer(_ node: SchemaNode) throws {
    guard node.isMapping else {
      request.tokenizer = try node.choice(TokenizerKind.self)
      return
    }
    try node.allow(["kind", "vocabulary_size"])
    request.tokenizer = try node.required("kind", example: "bpe").choice(TokenizerKind.self)
    if let size = node.optional("vocabulary_size") {
      guard request.tokenizer == .bpe else {
        throw size.failure("is for the bpe tokenizer only; remove it")
      }
      request.bpeVocabularySize = try size.integer(in: 262...1_000_000)
    }
  }

  /// Reads settings of the architecture over those already there.
  mutating func readModel(_ node: SchemaNode) throws {
    try node.allow(["activation", "tied_embeddings", "query_key_norm"])
    if let value = node.optional("activation") {
      request.activation = try value.choice(Activation.self)
    }
    if let value = node.optional("tied_embeddings") { request.tiedEmbeddings = try value.boolean() }
    if let value = node.optional("query_key_norm") { request.queryKeyNorm = try value.boolean() }
  }

  /// Reads training settings over those already there.
  mutating func readTraining(_ node: SchemaNode) throws {
    try node.allow([
      "learning_rate", "schedule", "warm_up_share", "warm_up_steps", "decay_share",
      "final_learning_rate_share", "optimizer", "weight_decay", "weight_decay_mode", "clip_norm",
      "z_loss", "parameterization", "alignment", "base_width", "tokens_per_step", "lanes",
      "precision", "packing", "loss", "phrasing", "paraphrases",
    ])
    try readSchedule(node)
    if let value = node.optional("optimizer") {
      request.optimizer = try value.choice(OptimizerKind.self)
    }
    if let decay = try node.optional("weight_decay")?.number("at least 0", where: { $0 >= 0 }) {
      request.weightDecay = decay
    }
    if let value = node.optional("weight_decay_mode") {
      request.weightDecayMode = try value.choice(WeightDecayMode.self)
    }
    if let norm = try node.optional("clip_norm")?.number("at least 0", where: { $0 >= 0 }) {
      request.clipNorm = norm
    }
    if let weight = try node.optional("z_loss")?.number("at least 0", where: { $0 >= 0 }) {
      request.zLoss = weight
    }
    if let value = node.optional("parameterization") {
      request.parameterization = try value.choice(Parameterization.self)
    }
    if let value = node.optional("alignment") {
      request.alignment = try value.choice(Alignment.self)
    }
    if let value = node.optional("base_width") {
      request.baseWidth = try value.integer(in: 1...(1 << 20))
    }
    if let value = node.optional("tokens_per_step") {
      request.tokensPerStep = try value.integer(in: 16...(1 << 22))
    }
    if let value = node.optional("lanes") { request.lanes = try value.integer(in: 1...256) }
    if let value = node.optional("precision") { request.precision = try value.precision() }
    if let value = node.optional("packing") { request.packing = try value.choice(Packing.self) }
    if let value = node.optional("loss") { request.loss = try value.choice(LossScope.self) }
    if let value = node.optional("phrasing") { request.phrasing = try value.choice(Phrasing.self) }
    if let value = node.optional("paraphrases") {
      request.paraphrases = try value.integer(in: 1...1_000)
    }
    if request.paraphrases > 1, request.phrasing != .template {
      throw (node.optional("paraphrases") ?? node).failure(
        "asks for \(request.paraphrases) paraphrases, which need phrasing: template")
    }
  }

  private mutating func readSchedule(_ node: SchemaNode) throws {
    if let value = node.optional("learning_rate") {
      request.learningRate = try Self.learningRate(value)
    }
    if let value = node.optional("schedule") {
      request.schedule = try value.choice(ScheduleShape.self)
    }
    if let value = node.optional("warm_up_share") {
      guard node.optional("warm_up_steps") == nil else {
        throw value.failure("is there beside warm_up_steps; leave one out")
      }
      request.warmUpShare = try value.number("at least 0 and below 1") { (0..<1).contains($0) }
      request.warmUpSteps = nil
    }
    if let value = node.optional("warm_up_steps") {
      request.warmUpSteps = try value.integer(in: 0...1_000_000_000)
    }
    if let value = node.optional("decay_share") {
      request.decayShare = try value.number("above 0, at most 1") { $0 > 0 && $0 <= 1 }
    }
    if let value = node.optional("final_learning_rate_share") {
      request.finalLearningRateShare = try value.number("0 to 1") { (0...1).contains($0) }
    }
  }

  static func learningRate(_ node: SchemaNode) throws -> Double {
    try node.number("above 0, at most 10") { $0 > 0 && $0 <= 10 }
  }
}
