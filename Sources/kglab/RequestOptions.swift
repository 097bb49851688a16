import ArgumentParser
import Console
import Corpus
import Foundation
import KnowledgeGraph
import LanguageModel
import Training

/// The options that decide a run's weights.
struct RequestOptions: ParsableArguments {
  @Option(help: "Non-embedding parameters: a name on the size dial; left out with --from.")
  var size: String?

  @Option(
    help: ArgumentHelp(
      "A finished run to start from, with its architecture, tokenizer and wording.",
      valueName: "run"))
  var from: String?

  @Option(
    help: ArgumentHelp(
      "A file of triples to train on (subject, predicate, object, tab-separated), in place of all.",
      valueName: "file"))
  var only: String?

  @OptionGroup var text: TextOptions

  @OptionGroup var horizon: HorizonOptions

  @Option(help: "Seed of initial weights, data order and each fact's templates.")
  var seed: UInt64 = 0

  @Option(help: "Nested share of the graph's queries to train on, in (0, 1].")
  var fraction: Double = 1

  @Option(help: "How names become tokens; word by default.")
  var tokenizer: TokenizerKind?

  @Option(
    help:
      "Vocabulary of the bpe tokenizer, special tokens included; \(TokenizerKind.defaultVocabularySize) by default."
  )
  var vocabulary: Int?

  @Option(help: .of("packing")) var packing = TrainingRequest.usual.packing
  @Option(help: .of("loss")) var loss = TrainingRequest.usual.loss
  @Option(help: .of("phrasing", "default: \(TrainingRequest.usual.phrasing)"))
  var phrasing: Phrasing?
  @Option(help: .of("paraphrases", "default: 1")) var paraphrases: Int?
  @Option(help: .of("slot_share", "default: 0")) var slotShare: Double?
  @Option(help: .of("slot_length", "default: \(TrainingRequest.usual.slotLength)"))
  var slotLength: Int?
  @Option(help: .of("slot_position", "default: \(TrainingRequest.usual.slotPosition)"))
  var slotPosition: SlotPlacement?
  @Option(help: .of("rule_share")) var ruleShare = TrainingRequest.usual.ruleShare
  @Option(help: .of("activation", "default: \(TrainingRequest.usual.activation)"))
  var activation: Activation?

  @Flag(help: .of("tied_embeddings"))
  var tiedEmbeddings = false

  @Flag(help: "Leave out the norm of queries and keys.")
  var noQueryKeyNorm = false

  @OptionGroup var recipe: RecipeOptions

  func validate() throws {
    try OptionRange.require(vocabulary, 1...10_000_000, "--vocabulary")
    guard vocabulary == nil || tokenizer == .bpe || from != nil else {
      throw ValidationError("--vocabulary is for --tokenizer bpe; add that, or leave it out")
    }
    guard slotShare ?? 0 > 0 || slotLength == nil && slotPosition == nil else {
      throw ValidationError("a slot needs --slot-share, the share of lines that have it")
    }
    if only != nil, !text.textOf.isEmpty {
      throw ValidationError("give --only or --text-of, not both")
    }
    guard from != nil else {
      guard size != nil else {
        throw ValidationError(
          "give --size, a name on the size dial, or --from, a run to start from")
      }
      return
    }
    let own: [(String, Bool)] = [
      ("--size", size != nil), ("--tokenizer", tokenizer != nil),
      ("--vocabulary", vocabulary != nil),
      ("--phrasing", phrasing != nil), ("--paraphrases", paraphrases != nil),
      ("--slot-share", slotShare != nil), ("--slot-length", slotLength != nil),
      ("--slot-position", slotPosition != nil),
      ("--activation", activation != nil), ("--tied-embeddings", tiedEmbeddings),
      ("--no-query-key-norm", noQueryKeyNorm),
    ]
    if let (name, _) = own.first(where: \.1) {
      throw ValidationError("\(name) is that of the run given with --from; leave it out")
    }
  }

  /// The training asked for; the triples of --only are looked up in `graph`.
  func request(on graph: KnowledgeGraph) throws -> TrainingRequest {
    var request = TrainingRequest(size: size ?? "", horizon: horizon.horizon)
    request.start = from.map { URL(fileURLWithPath: $0, isDirectory: true) }
    request.seed = seed
    request.fraction = fraction
    request.tokenizer = tokenizer ?? .word
    request.bpeVocabularySize = vocabulary ?? TokenizerKind.defaultVocabularySize
    request.packing = packing
    request.loss = loss
    if let phrasing { request.phrasing = phrasing }
    if let paraphrases { request.paraphrases = paraphrases }
    if let slotShare { request.slotShare = slotShare }
    if let slotLength { request.slotLength = slotLength }
    if let slotPosition { request.slotPosition = slotPosition }
    request.ruleShare = ruleShare
    if let activation { request.activation = activation }
    request.tiedEmbeddings = tiedEmbeddings
    request.queryKeyNorm = !noQueryKeyNorm
    recipe.apply(to: &request)
    request.text = text.text(seed: seed)
    if let only {
      request.chosen = try ChosenTriples(
        in: URL(fileURLWithPath: only), of: graph, fraction: fraction)
    }
    return request
  }
}

extension TokenizerKind: ExpressibleByArgument {}
extension Packing: ExpressibleByArgument {}
extension LossScope: ExpressibleByArgument {}
extension Phrasing: ExpressibleByArgument {}
extension SlotPlacement: ExpressibleByArgument {}
extension AskedPhrasing: ExpressibleByArgument {}
extension Activation: ExpressibleByArgument {}
