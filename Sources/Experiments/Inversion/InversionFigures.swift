import Evaluation
import GRDB
import Report

/// Texts by inversion and copies of false lines in a study's report.
struct InversionFigures {
  let results: StudyResults
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)

  /// The section; none where nothing was attacked so.
  func sections() throws -> [ReportSection] {
    let figures = try [broken(), accepted(), overload()].filter { !$0.data.rows.isEmpty }
    return figures.isEmpty ? [] : [ReportSection("Texts by inversion", figures.map(Block.figure))]
  }

  private static let training = """
    run.size, \(StudyResults.training) AS training,
    run.non_embedding_parameters AS parameters, run.seed
    """

  private static let runColumns = [
    Column("size", "Size"), Column("training", "Training"),
    Column("parameters", "Parameters", .integer), Column("seed", "Seed", .integer),
  ]

  /// Share of the queries broken by up to so many draws.
  private func broken() throws -> Figure {
    let data = try results.records(
      Self.runColumns + [
        Column("text", "Text and wrong answer"), Column("draws", "Draws", .integer),
        Column("broken_rate", "Broken", Self.percent), Column("lower", "Lower", Self.percent),
        Column("upper", "Upper", Self.percent), Column("attacked_count", "Queries (n)", .integer),
        Column("flops_per_draw", "FLOPs a draw", .scientific),
      ],
      """
      SELECT \(Self.training), p.origin || ', ' || p.distance AS text, p.draws, p.broken_rate,
        p.lower, p.upper, p.attacked_count, p.flops_per_draw
      FROM pirs_rate p JOIN run ON run.id = p.run_id
      ORDER BY p.origin, p.distance, parameters, run.rowid, p.draws
      """)
    return Figure(
      id: "pirs-broken", title: "Queries that some text makes wrong as chosen",
      caption: """
        Share of the queries answered right without a text that some of the first draws makes the model answer with the chosen \
        wrong answer. Texts come from the model itself (prior) or from one that was trained to invert it; the wrong answer is \
        an object of the predicate (near), an entity of its type that never is (type), or one of another type (other). Bars are \
        Wilson's 95 % over queries.
        """,
      command: command, data: data,
      x: Axis("draws", "Draws", scale: .log, format: .count),
      y: Axis("broken_rate", "Broken", includesZero: true, format: Self.percent),
      color: Channel("size", "Size", palette: .ordered), shape: Channel("training", "Training"),
      panel: Channel("text", "Text and wrong answer"),
      marks: [
        .interval(low: "lower", high: "upper"),
        .line(by: ["size", "training", "seed", "text"]), .points,
      ],
      tooltip: ["size", "training", "seed", "text", "draws", "broken_rate", "lower", "upper"])
  }

  /// How often a draw is accepted, against size.
  private func accepted() throws -> Figure {
    let share = ColumnFormat.percent(digits: 2)
    let data = try results.records(
      Self.runColumns + [
        Column("origin", "Text"), Column("distance", "Wrong answer"),
        Column("acceptance", "Accepted", share), Column("lower", "Lower", share),
        Column("upper", "Upper", share), Column("wrong_share", "Any wrong answer", share),
        Column("draws", "Draws", .integer), Column("attacked_count", "Queries (n)", .integer),
      ],
      """
      SELECT \(Self.training), p.origin, p.distance, p.acceptance, p.acceptance_lower AS lower,
        p.acceptance_upper AS upper, p.wrong_share, p.draws, p.attacked_count
      FROM pirs_rate p JOIN run ON run.id = p.run_id
      WHERE p.draws = (SELECT max(o.draws) FROM pirs_rate o WHERE o.run_id = p.run_id)
      ORDER BY p.origin, p.distance, parameters, run.rowid
      """)
    return Figure(
      id: "pirs-accepted", title: "Accepted texts against size",
      caption: """
        Mean share of the texts that give the chosen wrong answer, by its distance from a right one. Bars are 95 % t intervals over \
        queries.
        """,
      command: command, data: data,
      x: Axis("parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("acceptance", "Accepted", includesZero: true, format: share),
      color: Channel("distance", "Wrong answer"), shape: Channel("training", "Training"),
      panel: Channel("origin", "Text"),
      marks: [.interval(low: "lower", high: "upper"), .points],
      tooltip: [
        "size", "training", "seed", "origin", "distance", "acceptance", "lower", "upper",
        "wrong_share",
      ])
  }

  /// How many queries copies of a false line have flipped.
  private func overload() throws -> Figure {
    let data = try results.records(
      Self.runColumns + [
        Column("copies", "Copies", .integer), Column("flipped_rate", "Flipped", Self.percent),
        Column("lower", "Lower", Self.percent), Column("upper", "Upper", Self.percent),
        Column("believed", "To its object", Self.percent),
        Column("attacked_count", "Queries (n)", .integer),
      ],
      """
      SELECT \(Self.training), o.copies, o.flipped_rate, o.lower, o.upper,
        1.0 * o.believed_count / o.attacked_count AS believed, o.attacked_count
      FROM overload_rate o JOIN run ON run.id = o.run_id
      ORDER BY parameters, run.rowid, o.copies
      """)
    return Figure(
      id: "overload", title: "Queries that copies of a false line make wrong",
      caption: """
        Share of the queries answered right that are answered wrong behind so many copies of a line with a wrong object, or fewer. \
        Bars are Wilson's 95 % over queries.
        """,
      command: command, data: data,
      x: Axis("copies", "Copies of a false line", scale: .log, format: .count),
      y: Axis("flipped_rate", "Flipped", includesZero: true, format: Self.percent),
      color: Channel("size", "Size", palette: .ordered), shape: Channel("training", "Training"),
      marks: [
        .interval(low: "lower", high: "upper"), .line(by: ["size", "training", "seed"]), .points,
      ],
      tooltip: ["size", "training", "seed", "copies", "flipped_rate", "lower", "upper", "believed"])
  }
}
