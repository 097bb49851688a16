import Corpus
import KnowledgeGraph
import LabCore
import Training

/// What models of a study share: tokenizer, architecture and training settings.
struct TrainingTemplate {
  /// A request of no particular size, horizon, fraction and seed.
  private(set) var request = TrainingRequest.usual

  /// Reads `tokenizer`, `model` and `training` of the study.
  init(_ node: SchemaNode) throws {
    if let value = node.optional("tokenizer") { try readTokenizer(value) }
    if let value = node.optional("model") { try read(.model, value) }
    if let value = node.optional("training") { try read(.training, value) }
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

  /// Reads options of a section over those already there.
  mutating func read(_ section: TrainingOption.Section, _ node: SchemaNode) throws {
    let options = TrainingOption.all.filter { $0.section == section }
    try node.allow(options.map(\.name))
    for option in options {
      guard let value = node.optional(option.name) else { continue }
      option.set(try value.text(option.values), in: &request)
    }
    if let share = node.optional("warm_up_share") {
      guard node.optional("warm_up_steps") == nil else {
        throw share.failure("is there beside warm_up_steps; leave one out")
      }
      request.training.warmUpSteps = nil
    }
    if request.paraphrases > 1, request.phrasing != .template {
      throw (node.optional("paraphrases") ?? node).failure(
        "asks for \(request.paraphrases) paraphrases, which need phrasing: template")
    }
  }
}

extension SchemaNode {
  /// The text of a value that is as an option's must be.
  func text(_ values: TrainingOption.Values) throws -> String {
    switch values {
    case .choice(let names): try choice(names)
    case .flag: String(try boolean())
    case .integer(let range): String(try integer(in: range))
    case .number(let words, let isAllowed): String(try number(words, where: isAllowed))
    }
  }
}
