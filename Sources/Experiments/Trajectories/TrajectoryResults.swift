package import Analysis
import Evaluation
import Foundation
import GRDB
import LabCore
import Report

/// Everything that decides a run's trajectories.
package struct TrajectoriesIdentity: Codable, Hashable, Sendable {
  /// Kept checkpoints.
  let steps: [Int]
  let weightsHash: String
  /// Of the small and the large model.
  let contrast: [String]
  let graphHash: String
  let settings: TrajectoriesMeasure.Settings

  enum CodingKeys: String, SnakeCaseKey {
    case steps, graphHash, settings
    case weightsHash = "weights_sha256"
    case contrast = "contrast_sha256"
  }
}

/// Everything that the measure says of a run.
package struct TrajectoriesSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: TrajectoriesIdentity
  package let points: [TrajectoryPoint]
  package let trends: [TrajectoryTrend]
}

/// Lines of a family at a kept step.
package struct TrajectoryPoint: Codable, Hashable, Sendable, EncodableRecord {
  package let step: Int
  package let family: LineFamily
  /// Of the training up to here.
  package let flops: Double
  /// Mean loss in nats of true lines about other subjects.
  package let validationLoss: Double
  /// Mean -log P of what stands after `<O>`, end token included, in nats, with its 95 % interval
  /// over subjects.
  package let loss: Double
  package let lower: Double?
  package let upper: Double?
  /// Share of the lines that are likelier than not.
  package let knownShare: Double
  /// Share of the lines that the graph calls true.
  package let trueShare: Double
  package let lineCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case step, family, flops, validationLoss, loss, lower, upper, knownShare, trueShare, lineCount
  }
}

/// How many of a family's lines went one way.
package struct TrajectoryTrend: Codable, Hashable, Sendable, EncodableRecord {
  package let family: LineFamily
  package let trend: TrendClass
  package let share: Double
  package let lineCount: Int

  enum CodingKeys: String, SnakeCaseKey { case family, trend, share, lineCount }
}

extension ResultTable {
  /// Losses of lines at kept steps.
  static let trajectoryPoints = ResultTable(
    "trajectory_point", key: "step, family",
    columns: """
        step INTEGER NOT NULL, family TEXT NOT NULL, flops REAL NOT NULL CHECK (flops >= 0),
        validation_loss REAL NOT NULL, loss REAL NOT NULL, lower REAL, upper REAL,
        known_share REAL NOT NULL, true_share REAL NOT NULL,
        line_count INTEGER NOT NULL CHECK (line_count > 0)
      """)

  /// Classes of trend.
  static let trajectoryTrends = ResultTable(
    "trajectory_trend", key: "family, trend",
    columns: """
        family TEXT NOT NULL, trend TEXT NOT NULL, share REAL NOT NULL,
        line_count INTEGER NOT NULL CHECK (line_count > 0)
      """)
}

/// Trajectories in a study's report.
struct TrajectoryFigures {
  let series: ResultSeries
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)
  private static let number = ColumnFormat.number(digits: 3)

  func sections() throws -> [ReportSection] {
    let byLoss = try figure(
      "loss-vs-validation-loss", "Loss of lines against validation loss", "loss", "validation_loss")
    guard !byLoss.data.rows.isEmpty else { return [] }
    return [
      ReportSection(
        "Trajectories",
        [
          .figure(byLoss),
          .figure(
            try figure("loss-vs-training-flops", "Loss of lines against compute", "loss", "flops")),
          .figure(
            try figure(
              "known-vs-validation-loss", "Known lines against validation loss", "known_share",
              "validation_loss")),
          .table(try agreement()), .table(try trends()),
        ])
    ]
  }

  /// A value of lines at kept steps, a panel for each family, a line for each run.
  private func figure(
    _ id: String, _ title: String, _ value: String, _ axis: String
  ) throws -> Figure {
    let columns = [
      Column("family", "Lines"), Column("size", "Size"), Column("training", "Training"),
      Column("step", "Step", .integer), Column("flops", "FLOPs", .scientific),
      Column("validation_loss", "Validation loss (nats)", Self.number),
      Column("loss", "Loss (nats)", Self.number), Column("lower", "Lower", Self.number),
      Column("upper", "Upper", Self.number), Column("known_share", "Known", Self.percent),
      Column("true_share", "True", Self.percent), Column("run", "Run"),
    ]
    let rows = try series.rows(
      """
      SELECT p.*, run.size, shown.training, run.id AS run FROM trajectory_point p
      JOIN shown ON shown.run_id = p.run_id JOIN run ON run.id = p.run_id
      ORDER BY p.rowid
      """
    ).map { $0.cells(columns) }
    let isLoss = value == "loss"
    return Figure(
      id: id, title: title,
      caption: """
        *true* lines are trained on, *false* ones have a wrong object of the right type, *broken* ones of a wrong type, \
        *scrambled* ones random tokens, and those of *contrast* are drawn from what the small model finds likelier than the \
        large one. \(isLoss ? "Mean -log P of object and end token." : "Share of lines that are likelier than not.") \
        The validation loss is that of true lines about other subjects. A line for each run\
        \(isLoss ? ", with 95 % intervals over subjects" : "").\(series.choiceWords)
        """,
      command: command, data: Records(columns, rows),
      x: axis == "flops"
        ? Axis("flops", "Training FLOPs", scale: .log, format: .count)
        : Axis("validation_loss", "Validation loss (nats)"),
      y: isLoss
        ? Axis("loss", "Loss (nats)", includesZero: true)
        : Axis("known_share", "Known", domain: 0...1, format: .percent(digits: 0)),
      color: Channel("size", "Size", palette: .ordered), shape: Channel("training", "Training"),
      panel: Channel("family", "Lines"),
      marks: (isLoss ? [.interval(low: "lower", high: "upper")] : []) + [
        .line(by: ["run"]), .points,
      ],
      tooltip: [
        "size", "training", "step", "flops", "validation_loss", "loss", "lower", "upper",
        "known_share", "true_share", "run",
      ])
  }

  /// How far curves of different sizes are apart, beside curves of one size and different seeds.
  private func agreement() throws -> Report.Table {
    struct Curve {
      var size: String
      var seed: Int64
      var points: [String: [(x: Double, y: Double)]] = [:]
    }
    var curves: [String: [String: [String: Curve]]] = [:]
    let rows = try series.rows(
      """
      SELECT p.family, shown.training, run.id, run.size, run.seed, p.flops, p.validation_loss, p.loss
      FROM trajectory_point p JOIN shown ON shown.run_id = p.run_id JOIN run ON run.id = p.run_id
      WHERE p.flops > 0 ORDER BY p.rowid
      """)
    var families: [String] = []
    for row in rows {
      let (family, training, run): (String, String, String) = (
        try row.value(0), try row.value(1), try row.value(2)
      )
      if !families.contains(family) { families.append(family) }
      let (size, seed): (String, Int64) = (try row.value(3), try row.value(4))
      var curve =
        curves[family]?[training]?[run]
        ?? Curve(size: size, seed: seed)
      let (flops, validation, loss): (Double, Double, Double) = (
        try row.value(5), try row.value(6), try row.value(7)
      )
      curve.points["compute", default: []].append((x: log(flops), y: loss))
      curve.points["validation loss", default: []].append((x: validation, y: loss))
      curves[family, default: [:]][training, default: [:]][run] = curve
    }
    var data = Records([
      Column("family", "Lines"), Column("training", "Training"), Column("at", "At equal"),
      Column("apart", "Sizes apart (nats)", Self.number), Column("lower", "Lower", Self.number),
      Column("upper", "Upper", Self.number), Column("noise", "Seeds apart (nats)", Self.number),
      Column("share", "Share of the range", Self.percent),
      Column("seeds", "Seeds (n)", .integer),
    ])
    for family in families {
      for (training, runs) in (curves[family] ?? [:]).sorted(by: { $0.key < $1.key }) {
        let all = runs.sorted { $0.key < $1.key }.map(\.value)
        for axis in ["validation loss", "compute"] {
          func pairs(
            _ isWanted: (Curve, Curve) -> Bool
          ) -> [(seed: Int64, difference: Double, range: Double)] {
            all.indices.flatMap { a in
              all[(a + 1)...].filter { isWanted(all[a], $0) }.compactMap { other in
                CurveAgreement.difference(
                  all[a].points[axis] ?? [], other.points[axis] ?? []
                ).map { (all[a].seed, $0.difference, $0.range) }
              }
            }
          }
          let sizes = pairs { $0.size != $1.size && $0.seed == $1.seed }
          guard !sizes.isEmpty else { continue }
          let bySeed = Dictionary(grouping: sizes, by: \.seed).sorted { $0.key < $1.key }
          let estimate = StudentT.mean(bySeed.compactMap { Mean.of($0.value.map(\.difference)) })
          let noise = Mean.of(pairs { $0.size == $1.size }.map(\.difference))
          let range = Mean.of(sizes.map(\.range)) ?? 0
          data.append([
            .text(family), .text(training), .text(axis), Cell(estimate?.value),
            Cell(estimate?.interval?.low), Cell(estimate?.interval?.high), Cell(noise),
            Cell(estimate.flatMap { range > 0 ? $0.value / range : nil }),
            .integer(bySeed.count),
          ])
        }
      }
    }
    return Report.Table(
      id: "trajectory-agreement", title: "Do curves of all sizes coincide?",
      caption: """
        Root of the mean squared difference of two curves of loss over the values of the axis that both reach, mean over pairs of \
        sizes of one seed, with the 95 % t interval over seeds; beside it the same of pairs of seeds of one size. Curves \
        coincide where sizes are no further apart than seeds. *Share of the range* is of how far the loss itself goes there.
        """,
      command: command, data: data)
  }

  private func trends() throws -> Report.Table {
    let columns = [
      Column("run", "Run"), Column("family", "Lines"), Column("upward", "Upward", Self.percent),
      Column("downward", "Downward", Self.percent), Column("stagnated", "Stagnated", Self.percent),
      Column("other", "Other", Self.percent), Column("line_count", "Lines (n)", .integer),
    ]
    return Report.Table(
      id: "trajectory-trends", title: "Where the perplexity of lines goes",
      caption: """
        Lines by the slope of their perplexity for each token over the kept steps after the start, by least squares: upward and \
        downward where its 95 % interval leaves out 0, stagnated where it does not and both ends are within 5 % of their \
        geometric mean.
        """,
      command: command,
      data: try series.results.records(
        columns,
        """
        SELECT run.name AS run, t.family, sum(t.share * (t.trend = 'upward')) AS upward,
          sum(t.share * (t.trend = 'downward')) AS downward,
          sum(t.share * (t.trend = 'stagnated')) AS stagnated,
          sum(t.share * (t.trend = 'other')) AS other, max(t.line_count) AS line_count
        FROM trajectory_trend t JOIN run ON run.id = t.run_id
        GROUP BY t.run_id, t.family ORDER BY run.rowid, min(t.rowid)
        """))
  }
}
