import ArgumentParser
import Corpus
import LanguageModel
import Training

/// The options that decide a run's weights.
struct RequestOptions: ParsableArguments {
  @Option(help: "Non-embedding parameters: a name on the size dial.")
  var size: String

  @OptionGroup var horizon: HorizonOptions

  @Option(help: "Seed of initial weights, data order and each fact's templates.")
  var seed: UInt64 = 0

  @Option(help: "Nested share of the graph's queries to train on, in (0, 1].")
  var fraction: Double = 1

  @Option(help: "How names become tokens.")
  var tokenizer: TokenizerKind = .word

  @Option(help: "Vocabulary of the bpe tokenizer, special tokens included.")
  var vocabulary: Int = TokenizerKind.defaultVocabularySize

  @Option(
    help: "isolated: attention stays inside a triple; window: it runs over a window of triples.")
  var packing: Packing = .isolated

  @Option(help: "Loss on all tokens, or on the object and end token only.")
  var loss: LossScope = .all

  @Option(help: "Say triples as they are, or in sentences made from the predicates' templates.")
  var phrasing: Phrasing = .triple

  @Option(
    help: "Templates that each fact is shown in, one after the other; for --phrasing template.")
  var paraphrases: Int = 1

  @Option(help: "The feed-forward block's non-linearity.")
  var activation: Activation = .swiglu

  @Flag(help: "Use the embedding as read-out.")
  var tiedEmbeddings = false

  @Flag(help: "Leave out the norm of queries and keys.")
  var noQueryKeyNorm = false

  @OptionGroup var recipe: RecipeOptions

  func validate() throws { try OptionRange.require(vocabulary, 1...10_000_000, "--vocabulary") }

  var request: TrainingRequest {
    var request = TrainingRequest(size: size, horizon: horizon.horizon)
    request.seed = seed
    request.fraction = fraction
    request.tokenizer = tokenizer
    request.bpeVocabularySize = vocabulary
    request.packing = packing
    request.loss = loss
    request.phrasing = phrasing
    request.paraphrases = paraphrases
    request.activation = activation
    request.tiedEmbeddings = tiedEmbeddings
    request.queryKeyNorm = !noQueryKeyNorm
    recipe.apply(to: &request)
    return request
  }
}

extension TokenizerKind: ExpressibleByArgument {}
extension Packing: ExpressibleByArgument {}
extension LossScope: ExpressibleByArgument {}
extension Phrasing: ExpressibleByArgument {}
extension AskedPhrasing: ExpressibleByArgument {}
extension Activation: ExpressibleByArgument {}
