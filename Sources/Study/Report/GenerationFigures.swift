import Evaluation
import Report

/// What becomes of models that learn from models' words.
struct GenerationFigures {
  /// What values are drawn against.
  private enum Against: String {
    case generation
    case wrongShare = "wrong-share"
    case fraction
  }

  let series: ResultSeries
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)
  private static let graphText = "the graph's text"

  /// Nil where every model learned from the graph.
  func section() throws -> ReportSection? {
    guard series.results.runs.contains(where: { $0.textSource != nil }) else { return nil }
    let rates = ("rate", "Hallucination rate", Self.percent)
    let losses = ("loss", "Loss on true objects (nats)", ColumnFormat.number(digits: 3))
    let rateWords = "Exact rate at temperature 1 on seen queries, with 95 % intervals over subjects"
    let lossWords =
      "Mean of -log P(object) over the triples that the graph's text has, end token included."
    let loss = """
      SELECT run_id, code_bits * 0.6931471805599453 / triple_count, NULL, NULL, '' AS part
      FROM stored_bits WHERE triples = 'trained' AND group_kind = 'all'
      """
    var figures = [
      try figure(rates, .generation, "\(rateWords).", Self.rate),
      try figure(losses, .generation, lossWords, loss),
      try figure(
        ("popularity", rates.1, rates.2), .generation,
        """
        Exact rate at temperature 1 on seen queries by how many other trained triples of the predicate have the query's most \
        popular answer, in quarters of the queries: rare answers are in the lowest.
        """,
        """
        SELECT run_id, rate, lower, upper, group_value AS part FROM rate WHERE visibility = 'seen'
          AND method = 'exact' AND temperature = 1 AND group_kind = 'popularity'
        """),
      try figure(
        rates, .wrongShare,
        """
        \(rateWords), against the share of the lines learned from that are wrong answers, which the graph counts.
        """, Self.rate),
    ]
    // Where models learned from several shares of the graph.
    if Set(series.results.runs.map(\.fraction)).count > 1 {
      figures += [
        try figure(losses, .fraction, lossWords, loss),
        try figure(rates, .fraction, "\(rateWords).", Self.rate),
      ]
    }
    let shown = figures.compactMap(\.self)
    return shown.isEmpty
      ? nil : ReportSection("Models on models' words", shown.map(Block.figure))
  }

  private static let rate = """
    SELECT run_id, rate, lower, upper, '' AS part FROM rate WHERE visibility = 'seen'
      AND method = 'exact' AND temperature = 1 AND group_kind = 'all'
    """

  /// A value against generation, share of wrong lines or share of the graph, a line for each text
  /// and seed; nil where no run has it.
  private func figure(
    _ kind: (name: String, value: String, format: ColumnFormat), _ axis: Against, _ words: String,
    _ sql: String
  ) throws -> Figure? {
    let (name, value, format) = kind
    var data = Records([
      Column("panel", "Models"), Column("size", "Size"), Column("text", "Text"),
      Column("training", "Training"), Column("seed", "Seed", .integer),
      Column("generation", "Generation", .integer),
      Column("wrong_share", "Wrong lines", Self.percent),
      Column("fraction", "Share of the graph", Self.percent), Column("value", value, format),
      Column("lower", "Lower", format), Column("upper", "Upper", format),
    ])
    let runs = Dictionary(uniqueKeysWithValues: series.results.runs.map { ($0.id, $0) })
    let rows = try series.results.rows(
      """
      SELECT m.* FROM (\(sql)) m JOIN run ON run.id = m.run_id
      ORDER BY CAST(m.part AS INTEGER), run.generation, run.rowid
      """)
    for row in rows {
      guard let run = runs[try row.value(0)] else { continue }
      let measured = Measured(
        value: try row.value(1), lower: try row.value(2), upper: try row.value(3))
      let part: String = try row.value(4)
      data.append(
        [
          .text(part.isEmpty ? run.size : "\(run.size), popularity \(part)"), .text(run.size),
          .text(run.textSource ?? Self.graphText), .text(series.training(run)),
          .integer(Int(run.seed)), Cell(run.generation), .number(run.wrongShare ?? 0),
          .number(run.fraction),
        ] + measured.cells)
    }
    guard !data.rows.isEmpty else { return nil }
    let (x, lines, title): (Axis, [Mark], String) =
      switch axis {
      case .generation:
        (
          Axis("generation", "Generation", includesZero: true),
          [.line(by: ["panel", "text", "seed"])], "generation"
        )
      case .wrongShare:
        (
          Axis("wrong_share", "Wrong lines", includesZero: true, format: Self.percent), [],
          "the share of wrong lines"
        )
      case .fraction:
        (
          Axis("fraction", "Share of the graph", includesZero: true, format: Self.percent),
          [.line(by: ["panel", "text", "generation", "seed"])], "the share of the graph"
        )
      }
    return Figure(
      id: "\(name)-vs-\(axis.rawValue)", title: "\(value) against \(title)",
      caption: """
        \(words) Generation 0 learned from the graph's text; a later one from what models before it answer to its \
        questions.\(series.cutWords)
        """,
      command: command, data: data, x: x, y: Axis("value", value, format: format),
      color: Channel("text", "Text"), panel: Channel("panel", "Models"),
      marks: [.interval(low: "lower", high: "upper")] + lines + [.points],
      tooltip: [
        "size", "text", "training", "seed", "generation", "wrong_share", "value", "lower", "upper",
      ])
  }
}
