import ArgumentParser
import Compute
import Corpus
import LanguageModel
import Training

/// The options that decide a run's weights.
struct RequestOptions: ParsableArguments {
  @Option(help: "Non-embedding parameters: a name on the size dial.")
  var size: String

  @Option(help: "Passes over the training triples.")
  var epochs: Int

  @Option(help: "Seed of initial weights and data order.")
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

  @Option(help: "The feed-forward block's non-linearity.")
  var activation: Activation = .swiglu

  @Flag(help: "Use the embedding as read-out.")
  var tiedEmbeddings = false

  @Flag(help: "Leave out the norm of queries and keys.")
  var noQueryKeyNorm = false

  @Option(help: "Peak learning rate; by default a rule in the model's width.")
  var learningRate: Double?

  @Option(help: "Tokens of one optimiser step.")
  var tokensPerStep: Int?

  @Option(help: "Parts a step is cut into; changes the last bits of the result.")
  var lanes: Int?

  @Option(help: "Arithmetic of matrix products.")
  var precision: Precision = .fp32

  @Option(help: "Decoupled weight decay of matrices.")
  var weightDecay: Double?

  @Option(help: "Largest gradient norm; 0 for no clipping.")
  var clipNorm: Double?

  @Option(help: "Weight of logsumexp^2 in the objective.")
  var zLoss: Double?

  @Option(help: "Share of the steps over which the learning rate rises.")
  var warmUpShare: Double?

  var request: TrainingRequest {
    var request = TrainingRequest(size: size, epochs: epochs)
    request.seed = seed
    request.fraction = fraction
    request.tokenizer = tokenizer
    request.bpeVocabularySize = vocabulary
    request.packing = packing
    request.loss = loss
    request.activation = activation
    request.tiedEmbeddings = tiedEmbeddings
    request.queryKeyNorm = !noQueryKeyNorm
    request.learningRate = learningRate
    request.tokensPerStep = tokensPerStep
    request.lanes = lanes
    request.precision = precision
    request.weightDecay = weightDecay
    request.clipNorm = clipNorm
    request.zLoss = zLoss
    request.warmUpShare = warmUpShare
    return request
  }
}

extension TokenizerKind: ExpressibleByArgument {}
extension Packing: ExpressibleByArgument {}
extension LossScope: ExpressibleByArgument {}
extension Activation: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
