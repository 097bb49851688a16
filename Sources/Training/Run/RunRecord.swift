package import Corpus
package import Engine
import Foundation
import LabCore
package import LanguageModel

/// Everything that decides a run's weights.
package struct RunConfiguration: Codable, Hashable, Sendable {
  /// `KnowledgeGraph.contentHash` of the graph trained on.
  package var graphHash: String
  package var corpus: CorpusConfiguration
  package var tokenizer: TokenizerKind
  package var model: ModelConfiguration
  package var training: TrainingConfiguration
  package var seed: UInt64
  /// SHA-256 of the weights that training starts from; nil for fresh ones.
  package var start: String?
  /// How the weights were made of those of `start`, without training; nil for a training.
  package var compression: WeightCompression?
  /// The round of adversarial training that made the weights of those of `start`; nil for none.
  package var hardening: HardeningRound?

  enum CodingKeys: String, SnakeCaseKey {
    case graphHash, corpus, tokenizer, model, training, seed, compression, hardening
    case start = "start_weights_sha256"
  }

  /// What the initial weights are drawn from.
  var initialSeed: Seed { Seed(seed).derived("initial") }
  /// What the order of the data is drawn from.
  var dataSeed: Seed { Seed(seed).derived("data") }
}

/// `training` is left out of the file where it is `.none`.
extension RunConfiguration {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    graphHash = try container.decode(String.self, forKey: .graphHash)
    corpus = try container.decode(CorpusConfiguration.self, forKey: .corpus)
    tokenizer = try container.decode(TokenizerKind.self, forKey: .tokenizer)
    model = try container.decode(ModelConfiguration.self, forKey: .model)
    training =
      try container.decodeIfPresent(TrainingConfiguration.self, forKey: .training) ?? .none
    seed = try container.decode(UInt64.self, forKey: .seed)
    start = try container.decodeIfPresent(String.self, forKey: .start)
    compression = try container.decodeIfPresent(WeightCompression.self, forKey: .compression)
    hardening = try container.decodeIfPresent(HardeningRound.self, forKey: .hardening)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(graphHash, forKey: .graphHash)
    try container.encode(corpus, forKey: .corpus)
    try container.encode(tokenizer, forKey: .tokenizer)
    try container.encode(model, forKey: .model)
    if training != .none { try container.encode(training, forKey: .training) }
    try container.encode(seed, forKey: .seed)
    try container.encodeIfPresent(start, forKey: .start)
    try container.encodeIfPresent(compression, forKey: .compression)
    try container.encodeIfPresent(hardening, forKey: .hardening)
  }
}

extension TrainingConfiguration {
  /// No training by kglab: the model was imported.
  package static let none = TrainingConfiguration(epochs: 0, learningRate: 0)
}

/// The contents of run.json.
package struct RunRecord: Codable, Hashable, Sendable {
  /// Whether training has ended, and how.
  package enum Status: String, Codable, Sendable {
    case training, complete
    /// The loss was no longer finite or stayed far above where it was: there are no final weights.
    case diverged
  }

  /// The version that this program writes and the latest that it reads.
  package static let currentFormatVersion = 1

  /// Version of the run folder's format.
  package var formatVersion = Self.currentFormatVersion
  package var status: Status
  package var configuration: RunConfiguration
  /// Where the graph was when training began, relative to the run folder if it is below a common
  /// one.
  package var graphPath: String
  /// The same place from the root, for runs that are reached through a link; nil in the records of
  /// older runs.
  package var graphAbsolutePath: String?
  /// Name of the size on the dial, or "custom".
  package var sizeName: String
  package var parameterCount: Int
  package var nonEmbeddingParameterCount: Int
  package var trainedTripleCount: Int
  /// Inputs of one epoch, each with a loss.
  package var tokensPerEpoch: Int
  package var stepCount: Int
  /// Nil in the records of older runs, all of whole epochs.
  package var stepsPerEpoch: Int?
  /// Presentations of triples in one epoch; nil where each is presented once.
  package var presentationsPerEpoch: Int?
  /// Floating-point operations of the whole training, forward and backward.
  package var trainingFLOPs: Double
  /// Unique training tokens for each non-embedding parameter: u.
  package var tokensPerParameter: Double
  /// Mean next-token loss in nats of the first batch before any update; nil until the training has
  /// ended.
  package var initialCrossEntropy: Double?
  /// Mean next-token loss in nats over the last epoch, or the begun part of it; nil until complete.
  package var finalCrossEntropy: Double?
  /// How training went wrong; nil unless it diverged.
  package var divergence: TrainingDiverged?
  package var secondsElapsed: Double?
  package var tokensPerSecond: Double?
  package var peakMemoryMiB: Double?
  /// SHA-256 of model.safetensors; nil until complete.
  package var weightsHash: String?
  /// SHA-256 of the configuration's canonical JSON; nil in the records of older runs.
  package var configurationHash: String?
  /// SHA-256 of tokenizer.json; nil in the records of older runs.
  package var tokenizerHash: String?
  /// What the training was expected to need when it began.
  package var estimate: TrainingEstimate?
  /// Processes that worked on it, those that were killed before their first checkpoint left out.
  package var sessionCount: Int?
  /// Steps at which a loss spike was seen and gone on from; nil for none.
  package var spikes: [Int]?
  /// Where the model was imported from; nil where it was trained in this folder.
  package var imported: ImportedModel?
  /// Where the run is that training started from, as `graphPath`; nil for fresh weights.
  package var startPath: String?
  /// Bytes that storing the parameters takes, by `StoredSize`; nil where none was made smaller: 4
  /// for each.
  package var storedBytes: Int?
  /// Share of the matrices' weights that are 0; nil where none was made so.
  package var zeroShare: Double?
  /// How the text of answers that it is trained on came about; nil where it is trained on another.
  package var answers: AnswerTally?
  /// What computed the training, in its last session; nil for the native engine.
  package var engine: EngineRecord?
  /// What its round of adversarial training did; nil for a run that none made.
  package var hardening: HardeningTally?
  /// The model that was trained elsewhere, of which this run holds results alone; nil for kglab's
  /// own.
  package var outside: OutsideRecord?

  enum CodingKeys: String, SnakeCaseKey {
    case formatVersion, status, configuration, graphPath, graphAbsolutePath, tokensPerEpoch,
      stepsPerEpoch, presentationsPerEpoch, trainingFLOPs, tokensPerParameter, initialCrossEntropy,
      finalCrossEntropy, divergence, tokensPerSecond, estimate, spikes, imported, startPath,
      storedBytes, zeroShare, answers, hardening, engine, outside
    case sizeName = "size"
    case parameterCount = "parameters"
    case nonEmbeddingParameterCount = "non_embedding_parameters"
    case trainedTripleCount = "trained_triples"
    case stepCount = "steps"
    case secondsElapsed = "seconds"
    case peakMemoryMiB = "peak_memory_mib"
    case weightsHash = "weights_sha256"
    case configurationHash = "configuration_sha256"
    case tokenizerHash = "tokenizer_sha256"
    case sessionCount = "sessions"
  }
}

extension RunRecord {
  /// The same with the hashes of the configuration and of its tokenizer.
  func hashed(_ tokenizer: any Tokenizer) throws -> RunRecord {
    var record = self
    record.configurationHash = try CanonicalJSON.hash(configuration).hex
    record.tokenizerHash = try tokenizer.file.hash.hex
    return record
  }

  /// The record in the bytes of a file, with numbers that a run can have and the configuration that
  /// was written.
  ///
  /// Throws `LabError` naming the field that no run has, or `DecodingError`.
  static func decode(_ data: Data) throws -> RunRecord {
    let record = try CanonicalJSON.decode(RunRecord.self, from: data)
    try record.validate()
    return record
  }

  /// Refuses numbers that no run can have, so that sums and products of them cannot overflow.
  func validate() throws {
    func require<Value: Comparable>(
      _ name: String, _ value: Value?, _ range: ClosedRange<Value>
    ) throws {
      guard let value, !range.contains(value) else { return }
      throw LabError(
        "\(name) is \(value); it must be between \(range.lowerBound) and \(range.upperBound)")
    }
    if let hash = configurationHash, try CanonicalJSON.hash(configuration).hex != hash {
      throw LabError("its configuration was altered (configuration_sha256 is another)")
    }
    let many = 1 << 48
    let steps = 0...1_000_000_000
    let corpus = configuration.corpus
    try require("fraction", corpus.fraction, Double.leastNonzeroMagnitude...1)
    try require("window_length", corpus.windowLength, 1...1 << 24)
    try require("slot.share", corpus.slot?.share, Double.leastNonzeroMagnitude...1)
    try require("slot.length", corpus.slot?.length, 1...1_024)
    try require("paraphrases", corpus.wording.paraphrases, 1...1 << 20)
    do {
      if configuration.training != .none { try configuration.training.validate() }
    } catch let error as LabError {
      throw LabError(error.description)
    }
    try require("parameters", parameterCount, 0...many)
    try require("non_embedding_parameters", nonEmbeddingParameterCount, 0...many)
    try require("trained_triples", trainedTripleCount, 0...Int(Int32.max))
    try require("tokens_per_epoch", tokensPerEpoch, 0...many)
    try require("steps", stepCount, steps)
    try require("steps_per_epoch", stepsPerEpoch, 1...1_000_000_000)
    try require("presentations_per_epoch", presentationsPerEpoch, 0...Int(Int32.max))
    try require("training_flops", trainingFLOPs, 0...1e40)
    try require("tokens_per_parameter", tokensPerParameter, 0...1e40)
    try require("seconds", secondsElapsed, TrainingState.seconds)
    try require("tokens_per_second", tokensPerSecond, 0...1e40)
    try require("peak_memory_mib", peakMemoryMiB, 0...1e15)
    try require("sessions", sessionCount, TrainingState.sessions)
    try require("stored_bytes", storedBytes, 0...many)
    try require("zero_share", zeroShare, 0...1)
    try configuration.compression?.validate()
    try configuration.hardening?.training.validate()
    for count in hardening?.counts ?? [] { try require("hardening", count, 0...many) }
    try require("defence_flops", hardening?.defenceFLOPs, 0...1e40)
    if case .answers(let text) = configuration.corpus.source { try text.validate() }
    for count in answers?.counts ?? [] { try require("answers", count, 0...many) }
    for step in spikes ?? [] { try require("spikes", step, steps) }
    try require("divergence.step", divergence?.step, 0...1_000_000_001)
    try require("imported.step", imported?.step, steps)
  }

  /// Passes over the training triples, which need not be whole.
  package var epochCount: Double {
    if let stepsPerEpoch { return Double(stepCount) / Double(stepsPerEpoch) }
    return Double(configuration.training.horizon.epochs ?? 0)
  }

  /// Inputs of the whole training.
  package var trainingTokens: Double { Double(tokensPerEpoch) * epochCount }
}
