import Detection
import Evaluation
import GRDB
import LabCore
import Report

/// Everything that decides what a cascade comes to.
package struct CascadeIdentity: Codable, Hashable, Sendable {
  /// Keys of the evaluations read.
  let small: String
  let large: [String]
  let seed: UInt64
  let resampleCount: Int
  /// Weights of the other members of a committee; nil without one.
  var committee: [String]?
  /// Heads that are trained for the cascade, and the answers of each query that they learn from;
  /// nil without any.
  var heads: [HeadArchitecture]?
  var headSamples: Int?

  enum CodingKeys: String, SnakeCaseKey {
    case small, large, seed, committee, heads, headSamples, resampleCount
  }
}

/// Everything that `kglab cascade` says.
package struct CascadeSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: CascadeIdentity
  /// Size of the model that answers first.
  package let small: String
  /// Detectors whose stored scores of the small model's answers are among the switches.
  package let detectors: [String]
  package let points: [CascadePoint]
  package let areas: [CascadeArea]
  package let deciles: [CascadeDecile]
  package let compute: [CascadeCompute]
}

extension CascadePoint: EncodableRecord {}
extension CascadeArea: EncodableRecord {}
extension CascadeDecile: EncodableRecord {}
extension CascadeCompute: EncodableRecord {}

extension ResultTable {
  /// A cascade at each share of deferred queries.
  static let cascadePoints = ResultTable(
    "cascade_point", key: "large, visibility, switch, share",
    columns: """
        large TEXT NOT NULL, visibility TEXT NOT NULL, switch TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('baseline', 'score', 'detector')),
        share REAL NOT NULL CHECK (share BETWEEN 0 AND 1),
        mean_flops REAL NOT NULL CHECK (mean_flops >= 0),
        rate REAL NOT NULL CHECK (rate BETWEEN 0 AND 1), lower REAL, upper REAL,
        query_count INTEGER NOT NULL CHECK (query_count > 0)
      """)

  /// What a switch comes to over all shares.
  static let cascadeAreas = ResultTable(
    "cascade_area", key: "large, visibility, switch",
    columns: """
        large TEXT NOT NULL, visibility TEXT NOT NULL, switch TEXT NOT NULL,
        kind TEXT NOT NULL, mean_rate REAL NOT NULL, gain REAL
      """)
}

extension ResultTable {
  /// The gain in each tenth of the queries by a switch.
  static let cascadeDeciles = ResultTable(
    "cascade_decile", key: "large, visibility, switch, decile",
    columns: """
        large TEXT NOT NULL, visibility TEXT NOT NULL, switch TEXT NOT NULL,
        decile INTEGER NOT NULL CHECK (decile BETWEEN 1 AND 10), rate REAL NOT NULL,
        gain REAL NOT NULL, lower REAL, upper REAL
      """)

  /// What a switch comes to over compute.
  static let cascadeCompute = ResultTable(
    "cascade_compute", key: "large, visibility, switch",
    columns: """
        large TEXT NOT NULL, visibility TEXT NOT NULL, switch TEXT NOT NULL,
        mean_rate REAL NOT NULL, gain REAL
      """)
}

/// A study's cascades in its report.
struct CascadeFigures {
  let results: StudyResults
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)

  /// The section; none where no cascade was measured.
  func sections() throws -> [ReportSection] {
    let curves = try curves()
    guard !curves.data.rows.isEmpty else { return [] }
    return [
      ReportSection(
        "Deferring to a larger model",
        [.figure(curves), .figure(try deciles()), .table(try areas())])
    ]
  }

  /// Rate against operations: a line for each switch, a panel for each pair of models.
  private func curves() throws -> Figure {
    let data = try results.records(
      [
        Column("pair", "Models"), Column("run", "Small model"), Column("large", "Large model"),
        Column("switch", "Switch"), Column("share", "Deferred", Self.percent),
        Column("mean_flops", "FLOPs a query", .scientific),
        Column("rate", "Hallucination rate", Self.percent),
        Column("lower", "Lower", Self.percent), Column("upper", "Upper", Self.percent),
        Column("query_count", "Queries (n)", .integer),
      ],
      """
      SELECT run.name || ', deferring to ' || c.large AS pair, run.name AS run, c.*
      FROM cascade_point c JOIN run ON run.id = c.run_id
      WHERE c.visibility = 'seen' AND (c.kind <> 'score'
        OR c.switch IN ('sequence-log-probability', 'semantic-entropy', 'committee'))
      ORDER BY run.rowid, c.rowid
      """)
    return Figure(
      id: "cascade", title: "Hallucination rate of a cascade against mean FLOPs a query",
      caption: """
        The small model answers every seen query greedily; the share that its *switch* scores highest is deferred to \
        the large model, whose answer then counts. From left to right that share grows from 0 to 1. *random* \
        defers without looking, the *oracle* knows which answers the large model puts right.
        """,
      command: command, data: data,
      x: Axis("mean_flops", "Mean FLOPs a query", format: .count),
      y: Axis("rate", "Hallucination rate", format: Self.percent),
      color: Channel("switch", "Switch"), panel: Channel("pair", "Models"),
      marks: [.line(by: ["switch", "pair"]), .points],
      tooltip: ["pair", "switch", "share", "mean_flops", "rate", "lower", "upper"])
  }

  /// Where the gain is: by how uncertain each switch is of the small model's answer.
  private func deciles() throws -> Figure {
    let data = try results.records(
      [
        Column("pair", "Models"), Column("switch", "Switch"), Column("decile", "Tenth", .integer),
        Column("rate", "Small model's rate", Self.percent), Column("gain", "Gain", Self.percent),
        Column("lower", "Lower", Self.percent), Column("upper", "Upper", Self.percent),
      ],
      """
      SELECT run.name || ', deferring to ' || d.large AS pair, d.* FROM cascade_decile d
      JOIN run ON run.id = d.run_id
      WHERE d.visibility = 'seen' AND d.switch NOT IN ('perplexity', 'cluster-entropy',
        'monte-carlo-entropy', 'disagreement', 'contradiction')
      ORDER BY run.rowid, d.rowid
      """)
    return Figure(
      id: "cascade-deciles", title: "What deferring brings by how uncertain the small model is",
      caption: """
        Seen queries in tenths by each switch, from the most certain, 1, to the least, 10: rate of the small model's greedy answers \
        less that of the large one's, with 95 % intervals over subjects. Below 0 the large model spoils more than it mends.
        """,
      command: command, data: data, x: Axis("decile", "Tenth by uncertainty"),
      y: Axis("gain", "Gain", includesZero: true, format: Self.percent),
      color: Channel("switch", "Switch"), panel: Channel("pair", "Models"),
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["switch", "pair"]), .points],
      tooltip: ["pair", "switch", "decile", "rate", "gain", "lower", "upper"])
  }

  /// What each switch gains between random deferral and the oracle.
  private func areas() throws -> Report.Table {
    Report.Table(
      id: "cascade-gains", title: "What each switch gains",
      caption: """
        *Mean rate* is over all shares deferred; *gain* is where it lies between random deferral, 0, and the oracle, \
        1. A switch below 0 is worse than none. The same *over FLOPs* counts what a switch itself takes, such as a committee's \
        other members, from the operations of the small model alone to those of both for every query.
        """,
      command: command,
      data: try results.records(
        [
          Column("run", "Small model"), Column("large", "Large model"),
          Column("visibility", "Queries"), Column("switch", "Switch"),
          Column("mean_rate", "Mean rate", Self.percent),
          Column("gain", "Gain", .number(digits: 3)),
          Column("flops_rate", "Mean rate over FLOPs", Self.percent),
          Column("flops_gain", "Gain over FLOPs", .number(digits: 3)),
        ],
        """
        SELECT run.name AS run, a.*, c.mean_rate AS flops_rate, c.gain AS flops_gain
        FROM cascade_area a JOIN run ON run.id = a.run_id
        LEFT JOIN cascade_compute c ON c.run_id = a.run_id AND c.large = a.large
          AND c.visibility = a.visibility AND c.switch = a.switch
        ORDER BY run.rowid, a.large, \(VisibilityWords.order("a.visibility")), a.rowid
        """))
  }
}
