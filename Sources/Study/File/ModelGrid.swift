import Compute
import Corpus
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// What all models of a study share: tokenizer, architecture and training settings.
struct TrainingTemplate {
  private var request = TrainingRequest(size: "3k", epochs: 1)

  /// Reads `tokenizer`, `model` and `training` of the study.
  init(_ node: SchemaNode) throws {
    if let value = node.optional("tokenizer") { try readTokenizer(value) }
    if let value = node.optional("model") { try readModel(value) }
    if let value = node.optional("training") { try readTraining(value) }
  }

  func request(size: String, epochs: Int, fraction: Double, seed: UInt64) -> TrainingRequest {
    var request = request
    request.size = size
    request.epochs = epochs
    request.fraction = fraction
    request.seed = seed
    return request
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

  private mutating func readModel(_ node: SchemaNode) throws {
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
      "learning_rate", "tokens_per_step", "lanes", "precision", "weight_decay", "clip_norm",
      "z_loss", "warm_up_share", "packing", "loss",
    ])
    func number(_ key: String, _ rule: String, _ test: (Double) -> Bool) throws -> Double? {
      try node.optional(key)?.number(rule, where: test)
    }
    if let rate = try number("learning_rate", "above 0, at most 10", { $0 > 0 && $0 <= 10 }) {
      request.learningRate = rate
    }
    if let decay = try number("weight_decay", "at least 0", { $0 >= 0 }) {
      request.weightDecay = decay
    }
    if let norm = try number("clip_norm", "at least 0", { $0 >= 0 }) { request.clipNorm = norm }
    if let weight = try number("z_loss", "at least 0", { $0 >= 0 }) { request.zLoss = weight }
    if let share = try number("warm_up_share", "at least 0 and below 1", { (0..<1).contains($0) }) {
      request.warmUpShare = share
    }
    if let value = node.optional("tokens_per_step") {
      request.tokensPerStep = try value.integer(in: 16...(1 << 22))
    }
    if let value = node.optional("lanes") { request.lanes = try value.integer(in: 1...256) }
    if let value = node.optional("precision") { request.precision = try value.choice(Precision.self) }
    if let value = node.optional("packing") { request.packing = try value.choice(Packing.self) }
    if let value = node.optional("loss") { request.loss = try value.choice(LossScope.self) }
  }
}

/// One entry of `models`: every combination of its lists.
enum ModelGrid {
  /// All entries in order, a combination that an earlier entry has already left out.
  static func expand(_ node: SchemaNode, base: TrainingTemplate) throws -> [TrainingRequest] {
    var seen = Set<TrainingRequest>()
    return try node.items().flatMap { try expandEntry($0, base: base) }
      .filter { seen.insert($0).inserted }
  }

  private static func expandEntry(
    _ node: SchemaNode, base: TrainingTemplate
  ) throws -> [TrainingRequest] {
    try node.allow(["sizes", "epochs", "seeds", "fractions", "training"])
    let sizes = try node.required("sizes", example: "[3k, 10k]").items().map { try size($0) }
    let epochs = try node.required("epochs", example: "[20, 100]").integers(in: 1...1_000_000)
    let seeds = try node.optional("seeds")?.integers(in: 0...Int.max) ?? [0]
    let fractions =
      try node.optional("fractions")?.items().map { item in
        try item.number("above 0, at most 1") { $0 > 0 && $0 <= 1 }
      } ?? [1]
    var template = base
    if let training = node.optional("training") { try template.readTraining(training) }
    return sizes.flatMap { size in
      epochs.flatMap { epochs in
        fractions.flatMap { fraction in
          seeds.map { seed in
            template.request(size: size, epochs: epochs, fraction: fraction, seed: UInt64(seed))
          }
        }
      }
    }
  }

  /// The canonical name of a size on the dial.
  static func size(_ node: SchemaNode) throws -> String {
    do {
      return try ModelSize(named: try node.text()).name
    } catch let error as LabError {
      throw error.description.contains(":") && error.exitStatus == .badInput
        ? error : node.failure("is no size: \(error.description)")
    }
  }
}
