import Analysis
import Evaluation
import Foundation
import GRDB
import LabCore
import Report

/// A study's attacks in its report.
struct AttackFigures {
  let results: StudyResults
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)

  /// The section; none where nothing was attacked.
  func sections() throws -> [ReportSection] {
    let curves = try [curves(ofModels: true), curves(ofModels: false)]
      .filter { !$0.data.rows.isEmpty }
    guard !curves.isEmpty else { return [] }
    let slopes = try slopes()
    return [
      ReportSection(
        "Robustness",
        curves.map(Block.figure)
          + (slopes.figure.data.rows.isEmpty ? [] : [.figure(slopes.figure)])
          + (slopes.trends.data.rows.isEmpty ? [] : [.table(slopes.trends)]))
    ]
  }

  /// Iterations with a bar: hundreds side by side would hide the curves.
  private static let hasBar =
    "(a.iteration <= 10 OR a.iteration & (a.iteration - 1) = 0 OR a.iteration % 100 = 0)"

  /// What each row belongs to: a model of some size, or a detector of one, and what it is compared
  /// with.
  private static let names = """
    CASE a.victim WHEN 'model' THEN run.size ELSE a.victim END AS victim,
    CASE a.victim WHEN 'model' THEN '' ELSE 'of ' || run.size || ', ' END
      || \(StudyResults.training) AS training
    """

  /// Success against compute: a line for each run, a panel for each kind of attack.
  private func curves(ofModels isModel: Bool) throws -> Figure {
    let data = try results.records(
      [
        Column("attack", "Attack"), Column("victim", isModel ? "Size" : "Detector"),
        Column("training", "Training"), Column("parameters", "Parameters", .integer),
        Column("seed", "Seed", .integer), Column("iteration", "Iteration", .integer),
        Column("flops", "FLOPs of the attack", .scientific),
        Column("share", "FLOPs of the attack / of training", .scientific),
        Column("success_rate", "Success rate", Self.percent),
        Column("lower", "Lower", Self.percent), Column("upper", "Upper", Self.percent),
        Column("accuracy", "Accuracy under attack", Self.percent),
        Column("attacked_count", "Attacked (n)", .integer),
        Column("flops_per_iteration", "FLOPs an iteration", .scientific),
        Column("training_flops", "Training FLOPs of the model", .scientific),
      ],
      """
      SELECT a.attack, \(Self.names), a.parameters, run.seed, a.iteration,
        a.iteration * a.flops_per_iteration AS flops,
        a.iteration * a.flops_per_iteration / run.training_flops AS share, a.success_rate,
        CASE WHEN \(Self.hasBar) THEN a.lower END AS lower,
        CASE WHEN \(Self.hasBar) THEN a.upper END AS upper, a.accuracy, a.attacked_count,
        a.flops_per_iteration, run.training_flops
      FROM attack_rate a JOIN run ON run.id = a.run_id
      WHERE (a.victim = 'model') = ?
      ORDER BY a.parameters, a.attack, run.rowid, a.iteration
      """, [isModel])
    return Figure(
      id: isModel ? "attack-success" : "attack-success-detectors",
      title: "Success of attacks on \(isModel ? "models" : "detectors") against their compute",
      caption: isModel
        ? """
        Share of the queries answered right without an attack that are answered wrong with the text that it found, against \
        its compute on one query as a share of the model's training. Bars, of some iterations, are Wilson's 95 % over queries. `kglab \
        attack-slopes` reads this table.
        """
        : """
        Share of the answers judged right without an attack, about subjects that the detector was not trained on, that are judged \
        wrong with the text that it found, against its compute on one answer. Bars, of some iterations, are Wilson's 95 % over answers.
        """,
      command: command, data: data,
      x: isModel
        ? Axis("share", "FLOPs of the attack / of training", scale: .log, format: .scientific)
        : Axis("flops", "FLOPs of the attack", scale: .log, format: .scientific),
      y: Axis("success_rate", "Success rate", includesZero: true, format: Self.percent),
      color: Channel("victim", isModel ? "Size" : "Detector", palette: .ordered),
      shape: Channel("training", "Training"), panel: Channel("attack", "Attack"),
      marks: [
        .interval(low: "lower", high: "upper"),
        .line(by: ["victim", "training", "seed", "attack"]), .points,
      ],
      tooltip: [
        "attack", "victim", "training", "seed", "iteration", "success_rate", "lower", "upper",
        "accuracy", "flops",
      ])
  }

  /// Victims that differ in their seed alone, under one kind of attack.
  private struct Group: Hashable {
    let attack: String
    let victim: String
    let training: String
    let parameters: Int
  }

  /// Slopes against size, and how they change with it.
  private func slopes() throws -> (figure: Figure, trends: Report.Table) {
    let rows = try results.rows(
      """
      SELECT a.attack, \(Self.names), a.parameters, run.rowid, a.iteration, a.success_rate,
        a.flops_per_iteration
      FROM attack_rate a JOIN run ON run.id = a.run_id
      ORDER BY a.victim <> 'model', a.attack, a.parameters, run.rowid, a.iteration
      """)
    let groups = try rows.grouped { row in
      Group(
        attack: try row.value(0), victim: try row.value(1), training: try row.value(2),
        parameters: try row.value(3))
    }
    let number = ColumnFormat.number(digits: 2)
    var data = Records([
      Column("attack", "Attack"), Column("training", "Training"), Column("victim", "Victim"),
      Column("parameters", "Parameters", .integer), Column("slope", "Slope", number),
      Column("lower", "Lower", number), Column("upper", "Upper", number),
      Column("seeds", "Seeds", .integer), Column("points", "Points", .integer),
    ])
    var trends = Records([
      Column("attack", "Attack"), Column("training", "Training"),
      Column("sizes", "Sizes", .integer), Column("slope", "Slope of slopes", number),
      Column("lower", "Lower", number), Column("upper", "Upper", number),
      Column("explained", "R²", number),
    ])
    var slopes: [(group: Group, size: Double, slope: Double)] = []
    for (group, rows) in groups {
      let points = try rows.map { row in
        AttackedModel.Point(
          seed: try row.value(4), iteration: Double(try row.value(5, Int.self)),
          rate: try row.share(6), flops: try row.finite(7))
      }
      let model = AttackedModel(size: Double(group.parameters), points: points)
      guard let slope = model.slope() else { continue }
      data.append([
        .text(group.attack), .text(group.training), .text(group.victim), .integer(group.parameters),
        .number(slope.value), Cell(slope.interval?.low), Cell(slope.interval?.high),
        .integer(slope.count), .integer(model.usedCount),
      ])
      slopes.append((group, model.size, slope.value))
    }
    for (name, own) in slopes.grouped(by: { [$0.group.attack, $0.group.training] }) {
      let line = OffenceDefence.slopeOfSlopes(own.map { (size: $0.size, slope: $0.slope) })
      guard let line else { continue }
      trends.append([
        .text(name[0]), .text(name[1]), .integer(line.slope.count), .number(line.slope.value),
        Cell(line.slope.interval?.low), Cell(line.slope.interval?.high), Cell(line.explained),
      ])
    }
    let figure = Figure(
      id: "attack-slopes", title: "How attacks gain from compute, by the size of the victim",
      caption: """
        The slope of the log-odds of success, base 10, on log10 of the attack's compute, over all seeds; rates of 0 and 1 \
        are dropped (arXiv 2407.18213). Bars are 95 % over seeds (jackknife), where there are several.
        """,
      command: command, data: data,
      x: Axis("parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("slope", "Slope", format: number), color: Channel("attack", "Attack"),
      shape: Channel("training", "Training"),
      marks: [
        .interval(low: "lower", high: "upper"), .line(by: ["attack", "training"]), .points,
      ],
      tooltip: ["attack", "training", "victim", "slope", "lower", "upper", "seeds", "points"])
    let table = Report.Table(
      id: "attack-trends", title: "Slopes of attacks against size",
      caption: """
        The slope of slopes: the change of an attack's slope where the victim is ten times as large, with its 95 % interval \
        over sizes. Below 0, larger ones give an attack less for the same factor of compute.
        """,
      command: command, data: trends)
    return (figure, table)
  }
}
