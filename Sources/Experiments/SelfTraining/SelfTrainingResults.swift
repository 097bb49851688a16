import Evaluation
package import GRDB
package import KnowledgeGraph
import LabCore
import Report

/// Everything that decides what self-training came to.
package struct SelfTrainingIdentity: Codable, Hashable, Sendable {
  let weightsHash: String
  let origin: String
  let graphHash: String
  let settings: SelfTrainingMeasure.Settings

  enum CodingKeys: String, SnakeCaseKey {
    case graphHash, settings
    case weightsHash = "weights_sha256"
    case origin = "origin_sha256"
  }
}

/// Everything that the measure says of a run.
package struct SelfTrainingSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: SelfTrainingIdentity
  package let rows: [SelfTrainingRow]
}

/// A model on a set of queries.
package struct SelfTrainingRow: Codable, Hashable, Sendable, EncodableRecord {
  /// Which model a row is of.
  package enum Model: String, Codable, CaseIterable, Sendable {
    /// The model at the head of the line, as it is.
    case first
    /// The same at the temperature at which its answers are as spread as those of the run.
    case sharpened
    case run
  }

  /// Which queries a rate is of.
  package enum Queries: String, Codable, CaseIterable, Sendable {
    /// With answers that are trained on: those whose answers were drawn, and the others.
    case asked
    case notAsked = "not_asked"
    /// Without an answer that is trained on.
    case unseen

    func contains(_ query: Query, asked rank: Double) -> Bool {
      switch self {
      case .asked: query.visibility != .ivs && query.rank < rank
      case .notAsked: query.visibility != .ivs && query.rank >= rank
      case .unseen: query.visibility == .ivs
      }
    }
  }

  /// How likely the first model was right at temperature 1: from 3/4, 1/2, 1/4, or less (the bins
  /// of arXiv 2312.06585).
  package enum Difficulty: String, Codable, CaseIterable, Sendable {
    case easy, medium, hard
    case veryHard = "very_hard"

    init(right: Double) {
      self = right >= 0.75 ? .easy : right >= 0.5 ? .medium : right >= 0.25 ? .hard : .veryHard
    }
  }

  package let model: Model
  package let queries: Queries
  /// Only of queries of this visibility; nil for all.
  package let visibility: Visibility?
  /// Only of queries this hard; nil for all.
  package let difficulty: Difficulty?
  package let temperature: Double
  /// Exact hallucination rate, with its 95 % interval over subjects.
  package let rate: Double
  package let lower: Double?
  package let upper: Double?
  package let queryCount: Int
  /// Of a query's answers, in nats; nil for the sharpened model.
  package var entropy: Double?
  /// Mean number of different answers among those drawn of a query.
  package var distinctCount: Double?
  /// Of the probability of the greedy answer: error over ten bins of equal mass, and Brier score.
  package var calibrationError: Double?
  package var brier: Double?
  /// Kullback-Leibler divergence of the run's answers from the first model's, in nats, estimated
  /// from those drawn.
  package var divergence: Double?
  /// The rate of the sharpened model less the run's, with its interval: what sharpening does not
  /// explain.
  package var gain: Double?
  package var gainLower: Double?
  package var gainUpper: Double?

  /// Whether another row is of the same queries.
  package func isSameSet(as other: SelfTrainingRow) -> Bool {
    queries == other.queries && visibility == other.visibility && difficulty == other.difficulty
  }

  enum CodingKeys: String, SnakeCaseKey {
    case model, queries, visibility, difficulty, temperature, rate, lower, upper, queryCount,
      entropy,
      distinctCount, calibrationError, brier, divergence, gain, gainLower, gainUpper
  }

  package func encode(to container: inout PersistenceContainer) throws {
    let values: [(CodingKeys, (any DatabaseValueConvertible)?)] = [
      (.model, model.rawValue), (.queries, queries.rawValue),
      (.visibility, visibility?.rawValue ?? "all"), (.difficulty, difficulty?.rawValue ?? "all"),
      (.temperature, temperature), (.rate, rate), (.lower, lower), (.upper, upper),
      (.queryCount, queryCount), (.entropy, entropy), (.distinctCount, distinctCount),
      (.calibrationError, calibrationError), (.brier, brier), (.divergence, divergence),
      (.gain, gain), (.gainLower, gainLower), (.gainUpper, gainUpper),
    ]
    for (key, value) in values { container[key.stringValue] = value }
  }
}

extension ResultTable {
  /// A run made of another beside that one, on sets of queries.
  static let selfTraining = ResultTable(
    "self_training", key: "model, queries, visibility, difficulty",
    columns: """
        model TEXT NOT NULL CHECK (model IN ('first', 'sharpened', 'run')), queries TEXT NOT NULL,
        visibility TEXT NOT NULL, difficulty TEXT NOT NULL,
        temperature REAL NOT NULL CHECK (temperature > 0),
        rate REAL NOT NULL CHECK (rate BETWEEN 0 AND 1), lower REAL, upper REAL,
        query_count INTEGER NOT NULL CHECK (query_count > 0), entropy REAL, distinct_count REAL,
        calibration_error REAL, brier REAL, divergence REAL, gain REAL, gain_lower REAL,
        gain_upper REAL
      """)
}

/// Self-training in a study's report.
struct SelfTrainingFigures {
  let results: StudyResults
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)

  func sections() throws -> [ReportSection] {
    let gains = try gains()
    guard !gains.data.rows.isEmpty else { return [] }
    return [
      ReportSection(
        "Self-training", [.figure(gains), .figure(try divergence()), .table(try table())])
    ]
  }

  /// What sharpening does not explain, by how hard queries were.
  private func gains() throws -> Figure {
    let data = try results.records(
      [
        Column("set", "Queries"), Column("run", "Run"), Column("text", "Learned from"),
        Column("parameters", "Parameters", .integer),
        Column("rate", "Hallucination rate", Self.percent),
        Column("gain", "Beyond sharpening", Self.percent),
        Column("gain_lower", "Lower", Self.percent), Column("gain_upper", "Upper", Self.percent),
        Column("query_count", "Queries (n)", .integer),
      ],
      """
      SELECT s.queries || CASE s.visibility WHEN 'all' THEN '' ELSE ', ' || s.visibility END
        || CASE s.difficulty WHEN 'all' THEN '' ELSE ', ' || s.difficulty END AS "set",
        run.name AS run, run.variant AS text, run.non_embedding_parameters AS parameters, s.*
      FROM self_training s JOIN run ON run.id = s.run_id
      WHERE s.model = 'run' AND s.visibility = 'all' ORDER BY s.rowid, run.rowid
      """)
    return Figure(
      id: "beyond-sharpening", title: "What self-training gained beyond sharpening",
      caption: """
        Exact rate of the first model, at the temperature at which its answers to a set of queries have the run's entropy, less \
        the run's rate at temperature 1, with 95 % intervals over subjects. At 0 the run only became surer of what it was \
        sure of. *very_hard* queries are those that the first model answered right with less than 25 %.
        """,
      command: command, data: data,
      x: Axis("parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("gain", "Beyond sharpening", includesZero: true, format: Self.percent),
      color: Channel("text", "Learned from"), panel: Channel("set", "Queries"),
      marks: [.interval(low: "gain_lower", high: "gain_upper"), .points],
      tooltip: ["run", "set", "rate", "gain", "gain_lower", "gain_upper", "query_count"])
  }

  /// Rates against how far a run went from the first model.
  private func divergence() throws -> Figure {
    let data = try results.records(
      [
        Column("set", "Queries"), Column("run", "Run"),
        Column("divergence", "Divergence (nats)", .number(digits: 3)),
        Column("rate", "Hallucination rate", Self.percent), Column("lower", "Lower", Self.percent),
        Column("upper", "Upper", Self.percent),
      ],
      """
      SELECT run.size || ', ' || s.queries AS "set", run.name AS run, s.* FROM self_training s
      JOIN run ON run.id = s.run_id
      WHERE s.model = 'run' AND s.visibility = 'all' AND s.difficulty = 'all'
      ORDER BY s.rowid, run.rowid
      """)
    return Figure(
      id: "self-training-divergence",
      title: "Hallucination rate against divergence from the first model",
      caption: """
        Exact rate at temperature 1 with 95 % intervals over subjects, against the Kullback-Leibler divergence of a query's \
        answers from the first model's.
        """,
      command: command, data: data,
      x: Axis("divergence", "Divergence (nats)", includesZero: true),
      y: Axis("rate", "Hallucination rate", format: Self.percent), color: Channel("run", "Run"),
      panel: Channel("set", "Queries"), marks: [.interval(low: "lower", high: "upper"), .points],
      tooltip: ["run", "divergence", "rate", "lower", "upper"])
  }

  private func table() throws -> Report.Table {
    let number = ColumnFormat.number(digits: 3)
    return Report.Table(
      id: "self-training", title: "Before, sharpened and after",
      caption: """
        *first* is the model at the head of the line, *sharpened* the same at the *temperature* of equal entropy. Entropy and \
        divergence are in nats for a query; *distinct* counts different answers among those drawn; calibration is of the \
        greedy answer's probability. Intervals are 95 % over subjects.
        """,
      command: command,
      data: try results.records(
        [
          Column("run", "Run"), Column("queries", "Queries"), Column("visibility", "Visibility"),
          Column("difficulty", "Difficulty"), Column("model", "Model"),
          Column("temperature", "Temperature", .number(digits: 2)),
          Column("rate", "Rate", Self.percent), Column("lower", "Lower", Self.percent),
          Column("upper", "Upper", Self.percent), Column("entropy", "Entropy", number),
          Column("distinct_count", "Distinct", .number(digits: 2)),
          Column("calibration_error", "Calibration error", number),
          Column("brier", "Brier", number),
          Column("divergence", "Divergence", number),
          Column("gain", "Beyond sharpening", Self.percent),
          Column("query_count", "Queries (n)", .integer),
        ],
        """
        SELECT run.name AS run, s.* FROM self_training s JOIN run ON run.id = s.run_id
        ORDER BY run.rowid, s.rowid
        """))
  }
}
