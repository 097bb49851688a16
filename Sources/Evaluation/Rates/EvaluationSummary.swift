package import Corpus
import LabCore

/// What an evaluation measured, the contents of `kglab evaluate --json`.
package struct EvaluationSummary: Codable, Hashable, Sendable {
  /// Hash of the options, the weights and the graph.
  package let key: String
  package let options: EvaluationOptions
  /// Nested share of the graph's queries that were asked, in (0, 1].
  package let fraction: Double
  package let graphHash: String
  package let weightsHash: String
  /// The step of the checkpoint that was asked; nil for the finished model.
  package var checkpointStep: Int?
  package let tokenizer: TokenizerKind
  package let queryCount: Int
  package let subjectCount: Int
  /// By series, then set, then group; sets and groups without a query are left out.
  package let rates: [RateEstimate]
  package let verdicts: [VerdictCount]
  package let coverage: [AnswerCoverage]
  /// Where true answers rank among candidates; nil where that was not asked for.
  package let grades: [CandidateGrade]?
  /// Which tables there are; nil for the first kind, which had fewer groups.
  let tableVersion: Int?

  /// Raised when a summary has tables that older ones lack; those are then made again of the stored
  /// rows.
  static let currentTableVersion = 2

  /// Whether a name has spellings that the exact rate leaves out, which makes it an upper bound.
  package var exactCountsCanonicalSpellingOnly: Bool { tokenizer == .bpe }

  /// The grade over a whole set, or a group of it; nil where candidates were not ranked or there is
  /// no query.
  package func grade(_ visibility: QuerySet, group: RateGroup = .all) -> CandidateGrade? {
    grades?.first {
      $0.visibility == visibility && $0.groupKind == group.kind && $0.groupValue == group.value
    }
  }

  /// The rate over a whole set, or a group of it; nil where it was not measured or has no query.
  package func rate(
    _ method: EvaluationMethod, temperature: Double, _ visibility: QuerySet,
    group: RateGroup = .all
  ) -> RateEstimate? {
    rates.first {
      $0.method == method && $0.temperature == temperature && $0.visibility == visibility
        && $0.groupKind == group.kind && $0.groupValue == group.value
    }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case key, options, fraction, tokenizer, rates, verdicts, coverage, grades, tableVersion,
      graphHash, checkpointStep, queryCount, subjectCount
    case weightsHash = "weights_sha256"
  }
}
