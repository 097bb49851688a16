import Evaluation
import GRDB
import LabCore
import Report

/// Everything that decides what optimising against detectors came to.
package typealias RewardsIdentity = HeadIdentity<RewardsMeasure.Settings>

/// Everything that the measure says of a run.
package struct RewardsSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: RewardsIdentity
  package let points: [RewardPoint]
}

/// A model's answers, optimised so far against one reward.
package struct RewardPoint: Codable, Hashable, Sendable, EncodableRecord {
  /// The graph, or an ensemble of detectors.
  package let reward: String
  package let combination: String
  /// The best of so many answers; 0 for a model that learned from answers, as it is.
  package let n: Int
  /// From the first model's answers, in nats: log n - (n - 1) / n, or as estimated from answers of
  /// the model.
  package let divergence: Double
  /// Share of answers that the graph calls wrong, with its 95 % interval over subjects.
  package let rate: Double
  package let lower: Double?
  package let upper: Double?
  /// How likely the reward says that answers are right, with the interval.
  package let said: Double
  package let saidLower: Double?
  package let saidUpper: Double?
  /// Mean of the n-th power of each query's exact rate: what the best of n by the graph comes to;
  /// nil for detectors.
  package let exactRate: Double?
  package let queryCount: Int

  /// The reward of the graph itself.
  package static let graph = "graph"

  enum CodingKeys: String, SnakeCaseKey {
    case reward, combination, n, divergence, rate, lower, upper, said, saidLower, saidUpper,
      exactRate, queryCount
  }
}

extension ResultTable {
  /// Models optimised against rewards.
  static let rewards = ResultTable(
    "reward", key: "reward, combination, n",
    columns: """
        reward TEXT NOT NULL CHECK (reward IN ('graph', 'one', 'three', 'heads')),
        combination TEXT NOT NULL, n INTEGER NOT NULL CHECK (n >= 0), divergence REAL NOT NULL,
        rate REAL NOT NULL CHECK (rate BETWEEN 0 AND 1), lower REAL, upper REAL,
        said REAL NOT NULL CHECK (said BETWEEN 0 AND 1), said_lower REAL, said_upper REAL,
        exact_rate REAL, query_count INTEGER NOT NULL CHECK (query_count > 0)
      """)
}

/// Rewards in a study's report.
struct RewardFigures {
  let results: StudyResults
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)

  func sections() throws -> [ReportSection] {
    let best = try figure(
      "best-of-n", "Right answers by the best of n",
      """
      Of n answers the one of the highest reward counts; n grows from left to right with the divergence log n - (n - 1) / n. \
      *graph says* is the share of answers that are right, *reward says* how likely the reward takes them to be: where that rises \
      and the other falls, the reward is over-optimised. Detectors learned from answers of other subjects with some labels \
      flipped; with the graph as reward the share is the mean of 1 - (1 - p)^n. Intervals are 95 % over subjects, for the \
      detectors as trained.
      """, "r.n > 0")
    let trained = try figure(
      "self-training-reward", "Right answers of models that learned from answers",
      """
      The divergence is estimated from the model's answers. The detectors are those of the first model's answers, which no \
      model here learned from unless its text says so. Intervals are 95 % over subjects.
      """, "r.n = 0")
    let blocks = [best, trained].filter { !$0.data.rows.isEmpty }.map(Block.figure)
    return blocks.isEmpty ? [] : [ReportSection("Rewards", blocks)]
  }

  /// What the graph and the rewards say of the same answers, against divergence.
  private func figure(
    _ id: String, _ title: String, _ words: Prose, _ condition: String
  ) throws -> Figure {
    let data = try results.records(
      [
        Column("panel", "Panel"), Column("run", "Run"), Column("reward", "Reward"),
        Column("n", "Best of", .integer),
        Column("divergence", "Divergence (nats)", .number(digits: 3)),
        Column("right", "Right", Self.percent), Column("lower", "Lower", Self.percent),
        Column("upper", "Upper", Self.percent), Column("query_count", "Queries (n)", .integer),
      ],
      """
      SELECT run.name || ', ' || v.says AS panel, run.name AS run,
        r.reward || CASE WHEN r.reward IN ('graph', 'one') THEN '' ELSE ', ' || r.combination END
          AS reward, r.n, r.divergence, r.query_count,
        CASE v.says WHEN 'graph says' THEN 1 - r.rate ELSE r.said END AS right,
        CASE v.says WHEN 'graph says' THEN 1 - r.upper ELSE r.said_lower END AS lower,
        CASE v.says WHEN 'graph says' THEN 1 - r.lower ELSE r.said_upper END AS upper
      FROM reward r JOIN run ON run.id = r.run_id,
        (SELECT 'graph says' AS says UNION ALL SELECT 'reward says') v
      WHERE \(condition) ORDER BY run.rowid, v.says, r.rowid
      """)
    return Figure(
      id: id, title: title, caption: words, command: command, data: data,
      x: Axis("divergence", "Divergence (nats)", includesZero: true),
      y: Axis("right", "Right", format: Self.percent), color: Channel("reward", "Reward"),
      panel: Channel("panel", "Panel"),
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["panel", "reward"]), .points],
      tooltip: ["run", "reward", "n", "divergence", "right", "lower", "upper", "query_count"])
  }
}
