package import Report

extension LifelineMeasure {
  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let report = LifelineReport(series: try ResultSeries(results), command: command)
    let figure = try report.knownShare()
    guard !figure.data.rows.isEmpty else { return [] }
    return [
      ReportSection("Learned and forgotten", [.figure(figure), .table(try report.counts())])
    ]
  }
}

/// When models learned facts, and whether they forgot them.
private struct LifelineReport {
  let series: ResultSeries
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)

  /// The share of known facts at each kept step, a line for each run.
  func knownShare() throws -> Figure {
    let columns = [
      Column("visibility", "Queries"), Column("training", "Training"), Column("size", "Size"),
      Column("step", "Step", .integer), Column("known_share", "Known", Self.percent),
      Column("mean_probability", "Mean probability", Self.percent), Column("run", "Run"),
    ]
    let rows = try VisibilityWords.all.flatMap { visibility, label in
      try series.rows(
        """
        SELECT ? AS visibility, shown.training, run.size, c.step, c.known_share,
          c.mean_probability, run.id AS run
        FROM lifeline_curve c JOIN shown ON shown.run_id = c.run_id JOIN run ON run.id = c.run_id
        WHERE c.visibility = ? ORDER BY shown.place, c.step
        """, [label, visibility]
      ).map { $0.cells(columns) }
    }
    return Figure(
      id: "known-vs-step", title: "Known facts against training step",
      caption: """
        Share of queries whose true answers together are likelier than not, at the checkpoints that were kept. A line for \
        each run.\(series.choiceWords)
        """,
      command: command, data: Records(columns, rows),
      x: Axis("step", "Step", scale: .log, format: .count),
      y: Axis("known_share", "Known", domain: 0...1, format: .percent(digits: 0)),
      color: Channel("size", "Size", palette: .ordered), shape: Channel("training", "Training"),
      panel: Channel("visibility", "Queries"), marks: [.line(by: ["run"]), .points],
      tooltip: ["size", "training", "step", "known_share", "mean_probability", "run"])
  }

  /// What became of the facts of each set by the last kept step.
  func counts() throws -> Table {
    let data = try series.results.records(
      [
        Column("run", "Run"), Column("visibility", "Queries"),
        Column("query_count", "Queries (n)", .integer),
        Column("learned_count", "Known at the end", .integer),
        Column("forgotten_count", "Forgotten", .integer),
        Column("never_known_count", "Never known", .integer),
        Column("mean_forgetting_count", "Mean losses", .number(digits: 2)),
      ],
      """
      SELECT run.name AS run, c.* FROM lifeline_count c JOIN run ON run.id = c.run_id
      ORDER BY run.rowid, \(VisibilityWords.order("c.visibility"))
      """)
    return Table(
      id: "lifelines", title: "What became of the facts",
      caption: """
        *Forgotten* facts were known at a kept step and are not at the last one. *Mean losses* is how often a known fact \
        was lost by the next kept step.
        """,
      command: command, data: data)
  }
}
