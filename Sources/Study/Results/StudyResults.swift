import GRDB

/// All results of a study as values: one array for each table of study.sqlite.
package struct StudyResults: Equatable, Sendable {
  package var name = ""
  package var question = ""
  /// The cut of the distribution that rates are of; nil where nothing is cut.
  package var topK: Int?
  package var topP: Double?
  package var graphs: [GraphSummary] = []
  package var runs: [RunRow] = []
  package var rates: [RateRow] = []
  package var verdicts: [VerdictRow] = []
  package var coverages: [CoverageRow] = []
  package var grades: [GradeRow] = []
  package var detectors: [DetectorRow] = []
  package var failures: [FailureRow] = []

  package init() {}
}

/// A graph of the study is stored as it is summarised in the plan.
extension GraphSummary: FetchableRecord, PersistableRecord {
  package static let databaseTableName = "graph"
}

/// A training of the study that is complete or diverged.
package struct RunRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "run"

  package var id: String
  package var graphID: String
  /// A few words for people: "100k, 20 epochs".
  package var name: String
  package var size: String
  package var parameters: Int
  package var nonEmbeddingParameters: Int
  /// How long it was to train, in the unit asked for: "20 epochs", "500 steps".
  package var horizon: String
  /// Passes over the triples, which need not be whole.
  package var epochs: Double
  package var fraction: Double
  package var seed: Int64
  package var learningRate: Double
  package var precision: String
  /// In what other settings it differs from runs of the study: "no qk-norm"; empty where in none.
  package var variant: String
  /// "complete" or "diverged".
  package var status: String
  /// Steps done before it diverged.
  package var divergedStep: Int?
  package var trainedTriples: Int
  package var tokensPerEpoch: Int
  /// u: unique training tokens for each non-embedding parameter.
  package var tokensPerParameter: Double
  package var steps: Int
  package var trainingFLOPs: Double
  /// Mean next-token loss in nats of the first batch, before any update.
  package var initialCrossEntropy: Double?
  /// Nil where it diverged.
  package var crossEntropy: Double?
  package var seconds: Double?
  package var tokensPerSecond: Double?
  package var peakMemoryMiB: Double?

  enum CodingKeys: String, CodingKey {
    case id, name, size, parameters, horizon, epochs, fraction, seed, precision, variant, status
    case steps, seconds
    case graphID = "graph_id"
    case nonEmbeddingParameters = "non_embedding_parameters"
    case learningRate = "learning_rate"
    case trainedTriples = "trained_triples"
    case tokensPerEpoch = "tokens_per_epoch"
    case tokensPerParameter = "tokens_per_parameter"
    case trainingFLOPs = "training_flops"
    case divergedStep = "diverged_step"
    case initialCrossEntropy = "initial_cross_entropy"
    case crossEntropy = "cross_entropy"
    case tokensPerSecond = "tokens_per_second"
    case peakMemoryMiB = "peak_memory_mib"
  }
}

/// A hallucination rate of a run; `visibility` is a query set, "seen" being fvs and pvs together.
package struct RateRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "rate"

  package var runID: String
  /// "exact", "sampled" or "greedy".
  package var method: String
  package var temperature: Double
  package var visibility: String
  package var groupKind: String
  package var groupValue: String
  package var queryCount: Int
  package var sampleCount: Int
  package var rate: Double
  package var lower: Double?
  package var upper: Double?
  package var correct: Double
  package var correctHeldOut: Double

  enum CodingKeys: String, CodingKey {
    case method, temperature, visibility, rate, lower, upper, correct
    case runID = "run_id"
    case groupKind = "group_kind"
    case groupValue = "group_value"
    case queryCount = "query_count"
    case sampleCount = "sample_count"
    case correctHeldOut = "correct_held_out"
  }
}

/// How many completions of a run got a verdict.
package struct VerdictRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "verdict"

  package var runID: String
  package var method: String
  package var temperature: Double
  package var visibility: String
  package var verdict: String
  package var count: Int
  package var sampleCount: Int

  enum CodingKeys: String, CodingKey {
    case method, temperature, visibility, verdict, count
    case runID = "run_id"
    case sampleCount = "sample_count"
  }
}

/// Precision and recall of a run's completions.
package struct CoverageRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "coverage"

  package var runID: String
  package var method: String
  package var temperature: Double
  package var visibility: String
  package var queryCount: Int
  package var precision: Double
  package var recall: Double

  enum CodingKeys: String, CodingKey {
    case method, temperature, visibility, precision, recall
    case runID = "run_id"
    case queryCount = "query_count"
  }
}

/// Where a run ranks true answers among candidates.
package struct GradeRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "candidate_grade"

  package var runID: String
  package var visibility: String
  package var groupKind: String
  package var groupValue: String
  package var queryCount: Int
  /// True answers ranked.
  package var answerCount: Int
  /// Share of true answers that are likelier than every candidate.
  package var accuracy: Double
  package var accuracyLower: Double?
  package var accuracyUpper: Double?
  /// Accuracy of a guess.
  package var chance: Double
  package var meanReciprocalRank: Double
  package var meanReciprocalRankLower: Double?
  package var meanReciprocalRankUpper: Double?

  enum CodingKeys: String, CodingKey {
    case visibility, accuracy, chance
    case runID = "run_id"
    case groupKind = "group_kind"
    case groupValue = "group_value"
    case queryCount = "query_count"
    case answerCount = "answer_count"
    case accuracyLower = "accuracy_lower"
    case accuracyUpper = "accuracy_upper"
    case meanReciprocalRank = "mean_reciprocal_rank"
    case meanReciprocalRankLower = "mean_reciprocal_rank_lower"
    case meanReciprocalRankUpper = "mean_reciprocal_rank_upper"
  }
}

/// One metric of one detector on one run's answers.
package struct DetectorRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "detector"

  package var runID: String
  /// "sentence" or "token".
  package var task: String
  /// Which tokens the token task judges: "each", "before" (the answer to come), "1", ...; "each" for sentences.
  package var position: String
  /// The kind of detector as `kglab detect --kind` calls it: "head", "full", "score", "baseline", ...
  package var kind: String
  /// "linear", "mlp-64", "sequence-log-probability".
  package var name: String
  /// Trained parameters; 0 for what is not trained.
  package var parameters: Int
  /// AUROC on the validation part, by which the head shown in a report is chosen.
  package var validationAUROC: Double?
  package var metric: String
  package var value: Double
  package var lower: Double?
  package var upper: Double?
  /// Share of hallucinations among the examples judged.
  package var prevalence: Double
  package var exampleCount: Int

  enum CodingKeys: String, CodingKey {
    case task, position, kind, name, parameters, metric, value, lower, upper, prevalence
    case runID = "run_id"
    case validationAUROC = "validation_auroc"
    case exampleCount = "example_count"
  }
}

/// A task that has no result.
package struct FailureRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "failure"

  package var taskID: String
  package var kind: String
  package var name: String
  package var status: String
  package var error: String

  enum CodingKeys: String, CodingKey {
    case kind, name, status, error
    case taskID = "task_id"
  }
}
