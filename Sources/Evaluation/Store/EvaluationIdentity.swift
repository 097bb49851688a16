import Corpus
import LabCore
package import Training

/// Everything that decides an evaluation's numbers.
package struct EvaluationIdentity: Codable, Hashable, Sendable {
  /// Raised when the same options would give other numbers.
  private var version = 1
  package let options: EvaluationOptions
  package let fraction: Double
  package let graphHash: String
  package let weightsHash: String
  /// The step of the checkpoint that was asked; nil, and no key, for the finished model.
  package let checkpointStep: Int?

  package init(
    options: EvaluationOptions, fraction: Double, graphHash: String, weightsHash: String,
    checkpointStep: Int? = nil
  ) {
    self.options = options
    self.fraction = fraction
    self.graphHash = graphHash
    self.weightsHash = weightsHash
    self.checkpointStep = checkpointStep
  }

  /// What decides the numbers of a run with this record.
  package init(options: EvaluationOptions, of record: RunRecord, checkpointStep: Int? = nil) {
    self.init(
      options: options, fraction: record.configuration.corpus.fraction,
      graphHash: record.configuration.graphHash, weightsHash: record.weightsHash ?? "",
      checkpointStep: checkpointStep)
  }

  /// SHA-256 of the canonical JSON, 64 digits.
  package var key: String {
    get throws { try CanonicalJSON.hash(self).hex }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case version, options, fraction, graphHash, checkpointStep
    case weightsHash = "weights_sha256"
  }
}
