import Analysis
import Evaluation
import GRDB
import LabCore
import Report

/// A study's adversarial training in its report.
struct HardeningFigures {
  let results: StudyResults
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)
  /// Success rates at which the attack's compute is read.
  private static let targets = [0.05, 0.2, 0.5]

  /// What each row belongs to: a model of some size, or a detector of one, and what it is compared
  /// with.
  private static let names = """
    CASE h.victim WHEN 'model' THEN run.size ELSE h.victim END AS victim,
    CASE h.victim WHEN 'model' THEN 'model, ' ELSE 'detector of ' || run.size || ', ' END
      || \(StudyResults.training) AS training
    """

  /// The section; none where nothing was hardened.
  func sections() throws -> [ReportSection] {
    let success = try success()
    guard !success.data.rows.isEmpty else { return [] }
    let byCompute = try successByCompute()
    let rates = try rates()
    let defence = try defence()
    return [
      ReportSection(
        "Adversarial training",
        [.figure(success)]
          + (byCompute.data.rows.isEmpty ? [] : [.figure(byCompute)])
          + [.figure(try accuracy())]
          + (rates.data.rows.isEmpty ? [] : [.figure(rates)])
          + (defence.figure.data.rows.isEmpty ? [] : [.figure(defence.figure)])
          + (defence.exponents.data.rows.isEmpty ? [] : [.table(defence.exponents)]))
    ]
  }

  private static let columns = [
    Column("victim", "Victim"), Column("training", "Training"),
    Column("parameters", "Parameters", .integer), Column("seed", "Seed", .integer),
    Column("round", "Round", .integer),
    Column("defence_flops", "FLOPs of the defence", .scientific),
    Column("defence_share", "FLOPs of the defence / of training", .scientific),
  ]
  private static let line = ["victim", "training", "seed"]

  /// Success of each test at its last iteration, of models after a first round where that is asked
  /// for.
  private func lastRates(hardenedModelsOnly: Bool) throws -> Records {
    try results.records(
      [Column("test", "Test"), Column("iterations", "Iterations", .integer)] + Self.columns + [
        Column("success_rate", "Success rate", Self.percent),
        Column("lower", "Lower", Self.percent), Column("upper", "Upper", Self.percent),
        Column("attacked_count", "Attacked (n)", .integer),
      ],
      """
      SELECT h.test, h.iteration AS iterations, \(Self.names), r.parameters, run.seed, h.round,
        r.defence_flops, r.defence_flops / run.training_flops AS defence_share,
        h.success_rate, h.lower, h.upper, h.attacked_count
      FROM hardening_attack h JOIN run ON run.id = h.run_id
        JOIN hardening_round r USING (run_id, victim, round)
      WHERE h.iteration = (SELECT max(iteration) FROM hardening_attack o
        WHERE o.run_id = h.run_id AND o.victim = h.victim AND o.test = h.test AND o.round = h.round)
        AND (NOT ? OR h.victim = 'model' AND h.round > 0)
      ORDER BY h.victim <> 'model', r.parameters, h.rowid
      """, [hardenedModelsOnly])
  }

  private static let successMarks: [Mark] = [
    .interval(low: "lower", high: "upper"), .line(by: line + ["test"]), .points,
  ]
  private static let successTooltip =
    line + ["test", "round", "success_rate", "lower", "upper", "iterations", "defence_flops"]

  /// Success against the share of its training's compute that a model's defence took.
  private func successByCompute() throws -> Figure {
    Figure(
      id: "hardening-compute",
      title: "Success of attacks on models against the compute of their defence",
      caption: """
        As above, against the floating-point operations of all rounds so far, attacks on training examples and training, as a \
        share of those of the model's own training. At one share, defences took equal parts.
        """,
      command: command, data: try lastRates(hardenedModelsOnly: true),
      x: Axis(
        "defence_share", "FLOPs of the defence / of training", scale: .log, format: .scientific),
      y: Axis("success_rate", "Success rate", includesZero: true, format: Self.percent),
      color: Channel("victim", "Size", palette: .ordered), shape: Channel("training", "Training"),
      panel: Channel("test", "Test"), marks: Self.successMarks, tooltip: Self.successTooltip)
  }

  /// Success by round.
  private func success() throws -> Figure {
    Figure(
      id: "hardening-success", title: "Success of attacks by round of adversarial training",
      caption: """
        Share of the examples that are right without an attack that are wrong with the text of a test's last iteration. \
        Tests are of examples that no round attacked; round 0 is as it was trained. Bars are Wilson's 95 % over examples.
        """,
      command: command, data: try lastRates(hardenedModelsOnly: false),
      x: Axis("round", "Round", format: .integer),
      y: Axis("success_rate", "Success rate", includesZero: true, format: Self.percent),
      color: Channel("victim", "Victim", palette: .ordered),
      shape: Channel("training", "Training"), panel: Channel("test", "Test"),
      marks: Self.successMarks, tooltip: Self.successTooltip)
  }

  /// Clean accuracy by round.
  private func accuracy() throws -> Figure {
    let data = try results.records(
      Self.columns + [
        Column("accuracy", "Accuracy without an attack", Self.percent),
        Column("lower", "Lower", Self.percent), Column("upper", "Upper", Self.percent),
        Column("example_count", "Examples (n)", .integer),
        Column("attacked_count", "Attacked in training", .integer),
        Column("success_count", "Of them wrong", .integer),
        Column("adversarial_lines", "Attacked texts trained on", .integer),
        Column("clean_lines", "Clean lines trained on", .integer),
        Column("attack_flops", "FLOPs of its attacks", .scientific),
        Column("training_flops", "FLOPs of its training", .scientific),
      ],
      """
      SELECT \(Self.names), h.parameters, run.seed, h.round, h.defence_flops,
        h.defence_flops / run.training_flops AS defence_share, h.accuracy, h.lower, h.upper,
        h.example_count, h.attacked_count, h.success_count, h.adversarial_lines, h.clean_lines,
        h.attack_flops, h.training_flops
      FROM hardening_round h JOIN run ON run.id = h.run_id
      ORDER BY h.victim <> 'model', h.parameters, h.rowid
      """)
    return Figure(
      id: "hardening-accuracy", title: "Accuracy without an attack by round",
      caption: """
        Share of the tests' examples that are right without an attack. Bars are Wilson's 95 % over examples.
        """,
      command: command, data: data, x: Axis("round", "Round", format: .integer),
      y: Axis("accuracy", "Accuracy without an attack", format: Self.percent),
      color: Channel("victim", "Victim", palette: .ordered),
      shape: Channel("training", "Training"),
      marks: [.interval(low: "lower", high: "upper"), .line(by: Self.line), .points],
      tooltip: Self.line + ["round", "accuracy", "lower", "upper", "defence_flops"])
  }

  /// Hallucination rates on clean queries by round.
  private func rates() throws -> Figure {
    let data = try results.records(
      [Column("queries", "Queries")] + Self.columns + [
        Column("rate", "Hallucination rate", Self.percent),
        Column("lower", "Lower", Self.percent), Column("upper", "Upper", Self.percent),
        Column("query_count", "Queries (n)", .integer),
      ],
      """
      SELECT upper(h.visibility) AS queries, \(Self.names), r.parameters, run.seed, h.round,
        r.defence_flops, r.defence_flops / run.training_flops AS defence_share, h.rate, h.lower,
        h.upper, h.query_count
      FROM hardening_rate h JOIN run ON run.id = h.run_id
        JOIN hardening_round r USING (run_id, victim, round)
      WHERE h.visibility <> 'seen'
      ORDER BY \(VisibilityWords.order("h.visibility")), r.parameters, h.rowid
      """)
    return Figure(
      id: "hardening-rate", title: "Hallucination rate on clean queries by round",
      caption: """
        Exact, at temperature 1, of models without an attack. Bars are 95 % over subjects (bootstrap).
        """,
      command: command, data: data, x: Axis("round", "Round", format: .integer),
      y: Axis("rate", "Hallucination rate", includesZero: true, format: Self.percent),
      color: Channel("victim", "Size", palette: .ordered), shape: Channel("training", "Training"),
      panel: Channel("queries", "Queries"),
      marks: [
        .interval(low: "lower", high: "upper"), .line(by: Self.line + ["queries"]), .points,
      ],
      tooltip: Self.line + ["queries", "round", "rate", "lower", "upper", "query_count"])
  }

  // MARK: Offence against defence

  private struct Group: Hashable {
    let test: String
    let victim: String
    let training: String
    let parameters: Int
  }

  private struct Round: Hashable {
    let seed: Int
    let number: Int
  }

  private static let attackTitle = "FLOPs of an attack on one example"

  /// Compute of an attack to a success rate against that of the defence, and the exponents.
  private func defence() throws -> (figure: Figure, exponents: Report.Table) {
    let rows = try results.rows(
      """
      SELECT h.test, \(Self.names), r.parameters, run.seed, h.round, r.defence_flops, h.iteration,
        h.success_rate, h.flops_per_iteration
      FROM hardening_attack h JOIN run ON run.id = h.run_id
        JOIN hardening_round r USING (run_id, victim, round)
      WHERE h.round > 0 ORDER BY h.victim <> 'model', r.parameters, h.rowid
      """)
    let groups = try rows.grouped { row in
      Group(
        test: try row.value(0), victim: try row.value(1), training: try row.value(2),
        parameters: try row.value(3))
    }
    let number = ColumnFormat.number(digits: 2)
    var data = Records(
      [Column("test", "Test"), Column("target", "Success rate", Self.percent)]
        + [Column("panel", "Test and success rate")] + Self.columns.dropLast() + [
          Column("attack_flops", Self.attackTitle, .scientific)
        ])
    var exponents = Records([
      Column("test", "Test"), Column("target", "Success rate", Self.percent),
      Column("training", "Training"), Column("victim", "Victim"),
      Column("points", "Points", .integer), Column("exponent", "Exponent", number),
      Column("lower", "Lower", number), Column("upper", "Upper", number),
      Column("explained", "R²", number), Column("side", "Gains"),
    ])
    for (group, rows) in groups {
      let rounds = try rows.grouped { row in
        Round(seed: try row.value(4), number: try row.value(5))
      }.sorted { ($0.key.seed, $0.key.number) < ($1.key.seed, $1.key.number) }
      for target in Self.targets {
        var line: [(defence: Double, attack: Double)] = []
        for (round, rows) in rounds {
          let points = try rows.map { row in
            AttackedModel.Point(
              seed: round.seed, iteration: Double(try row.value(7, Int.self)),
              rate: try row.share(8), flops: try row.finite(9))
          }
          let model = AttackedModel(size: Double(group.parameters), points: points)
          guard let iteration = model.iteration(reaching: target) else { continue }
          let defence = try rows[rows.count - 1].finite(6)
          let attack = iteration * model.flopsPerIteration
          line.append((defence, attack))
          data.append([
            .text(group.test), .number(target),
            .text("\(group.test), \(Cell.number(target * 100).plain) %"), .text(group.victim),
            .text(group.training), .integer(group.parameters), .integer(round.seed),
            .integer(round.number), .number(defence), .number(attack),
          ])
        }
        guard let fit = OffenceDefence.exponent(line), fit.slope.interval != nil else { continue }
        exponents.append([
          .text(group.test), .number(target), .text(group.training), .text(group.victim),
          .integer(line.count), .number(fit.slope.value), Cell(fit.slope.interval?.low),
          Cell(fit.slope.interval?.high), Cell(fit.explained),
          .text(OffenceDefence.Side(exponent: fit.slope).rawValue),
        ])
      }
    }
    let figure = Figure(
      id: "hardening-defence", title: "Compute of the attack against compute of the defence",
      caption: """
        Compute of an attack on one example that reaches a success rate, in a line between iterations, against that of all \
        rounds before: attacks on training examples, and training. Rounds on which it is never reached have no point.
        """,
      command: command, data: data,
      x: Axis("defence_flops", "FLOPs of the defence", scale: .log, format: .scientific),
      y: Axis("attack_flops", Self.attackTitle, scale: .log, format: .scientific),
      color: Channel("victim", "Victim", palette: .ordered),
      shape: Channel("training", "Training"), panel: Channel("panel", "Test and success rate"),
      marks: [.line(by: Self.line + ["panel"]), .points],
      tooltip: Self.line + ["panel", "round", "defence_flops", "attack_flops"])
    let table = Report.Table(
      id: "hardening-exponents", title: "Offence against defence",
      caption: """
        The power of the defence's compute with which the attack's grows, a line on logarithms over rounds, of all seeds, \
        with its 95 % interval by t over points; fewer than three have none, and no row. At 1, parity, who adds in proportion on either side leaves the rate where it \
        was; below 1 the attack needs to add less. A side gains where the whole interval lies on it. The published figures fit \
        no line.
        """,
      command: command, data: exponents)
    return (figure, table)
  }
}
