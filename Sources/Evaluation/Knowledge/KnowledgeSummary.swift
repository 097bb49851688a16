package import Analysis
package import Compute
import KnowledgeGraph
import LabCore

/// What decides a measurement of knowledge, besides model and graph.
package struct KnowledgeOptions: Codable, Hashable, Sendable {
  package var precision: Precision = .fp32
  /// Bins of the reliability tables.
  package var bins = 10
  /// Decides the resamples behind intervals.
  package var seed: UInt64 = 0
  package var resampleCount = 1_000

  package init() {}

  enum CodingKeys: String, SnakeCaseKey {
    case precision, bins, seed, resampleCount
  }
}

/// Bits of knowledge about some triples (arXiv 2404.05405, 2505.24832).
package struct StoredBits: Codable, Hashable, Sendable {
  /// Whether these triples were trained on; held-out ones show what is inferred or guessed.
  package let isTrained: Bool
  /// "all", "predicate" or "exposure".
  package let groupKind: String
  package let groupValue: String
  package let tripleCount: Int
  /// Sum of the entropies H_p of the trained objects of each triple's predicate.
  package let entropyBits: Double
  /// Sum of -log2 p(object | subject, predicate) under the model.
  package let codeBits: Double
  /// Sum of max(0, H_p - code length) over triples.
  package let storedBits: Double
  /// Sum over predicates of max(0, entropy bits - code bits): a model that knows but p(o | p) has
  /// none.
  package let netBits: Double
  /// Sum of the triples' information content, the reference code of unintended memorisation.
  package let referenceBits: Double
  /// Sum of max(0, information content - code length): what the model saves over the reference.
  package let memorisedBits: Double
  /// Stored bits of a triple, with the interval over subjects.
  package let storedBitsPerTriple: Estimate

  enum CodingKeys: String, SnakeCaseKey {
    case isTrained, groupKind, groupValue, tripleCount, entropyBits, codeBits, storedBits, netBits,
      referenceBits, memorisedBits, storedBitsPerTriple
  }
}

/// How honest the probabilities of greedy answers are.
package struct CalibrationRow: Codable, Hashable, Sendable {
  package let visibility: QuerySet
  /// Greedy answers, one a query.
  package let answerCount: Int
  package let accuracy: Double
  package let meanConfidence: Double
  /// With the interval over subjects.
  package let brier: Estimate
  package let equalWidthError: Double
  package let equalMassError: Double
  package let reliability: [ReliabilityBin]

  enum CodingKeys: String, SnakeCaseKey {
    case visibility, accuracy, brier, reliability, answerCount, meanConfidence
    case equalWidthError = "ece_equal_width"
    case equalMassError = "ece_equal_mass"
  }
}

/// Everything that `kglab knowledge` says of one model.
package struct KnowledgeSummary: Codable, Hashable, Sendable {
  package let key: String
  package let options: KnowledgeOptions
  package let graphHash: String
  package let weightsHash: String
  /// The step of the checkpoint that was asked; nil for the finished model.
  package var checkpointStep: Int?
  package let parameterCount: Int
  package let nonEmbeddingParameterCount: Int
  /// Passes over the training triples, 0 for an imported model.
  package let epochs: Double
  /// "generator" where the graph states its triples' information content, else
  /// "object_frequencies".
  package let reference: String
  package let storedBits: [StoredBits]
  package let singletons: SingletonBound
  package let reversal: ReversalTest
  package let calibration: [CalibrationRow]

  /// The row of all triples, trained or held out; nil where there is none.
  package func storedBits(trained isTrained: Bool) -> StoredBits? {
    storedBits.first { $0.isTrained == isTrained && $0.groupKind == RateGroup.all.kind }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case key, options, epochs, reference, singletons, reversal, calibration, graphHash,
      checkpointStep, storedBits
    case weightsHash = "weights_sha256"
    case parameterCount = "parameters"
    case nonEmbeddingParameterCount = "non_embedding_parameters"
  }
}
