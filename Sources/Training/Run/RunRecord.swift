package import Corpus
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

  enum CodingKeys: String, CodingKey, CaseIterable {
    case graphHash = "graph_hash"
    case corpus, tokenizer, model, training, seed
  }
}

/// The contents of run.json.
package struct RunRecord: Codable, Hashable, Sendable {
  /// Whether training has ended, and how.
  package enum Status: String, Codable, Sendable { case training, complete, diverged }

  /// The version that this program writes and the latest that it reads.
  package static let currentFormatVersion = 1

  /// Version of the run folder's format.
  package var formatVersion = Self.currentFormatVersion
  package var status: Status
  package var configuration: RunConfiguration
  /// Where the graph was when training began, relative to the run folder if it is below a common one.
  package var graphPath: String
  /// Name of the size on the dial, or "custom".
  package var sizeName: String
  package var parameterCount: Int
  package var nonEmbeddingParameterCount: Int
  package var trainedTripleCount: Int
  /// Inputs of one epoch, each with a loss.
  package var tokensPerEpoch: Int
  package var stepCount: Int
  /// Floating-point operations of the whole training, forward and backward.
  package var trainingFLOPs: Double
  /// Unique training tokens for each non-embedding parameter: u.
  package var tokensPerParameter: Double
  /// Mean next-token loss in nats over the last epoch; nil until complete.
  package var finalCrossEntropy: Double?
  package var secondsElapsed: Double?
  package var tokensPerSecond: Double?
  package var peakMemoryMiB: Double?
  /// SHA-256 of model.safetensors; nil until complete.
  package var weightsHash: String?
  /// What the training was expected to need when it began.
  package var estimate: TrainingEstimate?
  /// Processes that worked on it, those that were killed before their first checkpoint left out.
  package var sessionCount: Int?
  /// Steps at which a loss spike was seen and gone on from; nil for none.
  package var spikes: [Int]?
  /// How training went wrong; only where `status` is `diverged`.
  package var divergence: TrainingDiverged?

  enum CodingKeys: String, CodingKey {
    case formatVersion = "format_version"
    case status, configuration
    case graphPath = "graph_path"
    case sizeName = "size"
    case parameterCount = "parameters"
    case nonEmbeddingParameterCount = "non_embedding_parameters"
    case trainedTripleCount = "trained_triples"
    case tokensPerEpoch = "tokens_per_epoch"
    case stepCount = "steps"
    case trainingFLOPs = "training_flops"
    case tokensPerParameter = "tokens_per_parameter"
    case finalCrossEntropy = "final_cross_entropy"
    case secondsElapsed = "seconds"
    case tokensPerSecond = "tokens_per_second"
    case peakMemoryMiB = "peak_memory_mib"
    case weightsHash = "weights_sha256"
    case estimate
    case sessionCount = "sessions"
    case spikes, divergence
  }
}
