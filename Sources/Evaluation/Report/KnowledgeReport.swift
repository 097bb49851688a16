package import Report

extension KnowledgeMeasure {
  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let report = KnowledgeReport(series: try ResultSeries(results), command: command)
    let figure = try report.storedBits()
    guard !figure.data.rows.isEmpty else { return [] }
    return [ReportSection("Knowledge", [.figure(figure), .table(try report.calibration())])]
  }
}

/// What models know, in bits, and how honest their probabilities are.
private struct KnowledgeReport {
  let series: ResultSeries
  let command: String

  /// Stored bits for each parameter against size.
  func storedBits() throws -> Figure {
    let bits = ColumnFormat.number(digits: 3)
    let stored = try series.results.values(
      """
      SELECT run_id, stored_bits / non_embedding_parameters,
        stored_bits_per_triple_lower * triple_count / non_embedding_parameters,
        stored_bits_per_triple_upper * triple_count / non_embedding_parameters
      FROM stored_bits JOIN run ON run.id = run_id
      WHERE triples = 'trained' AND group_kind = 'all'
      """)
    var data = Records(
      [
        Column("training", "Training"), Column("size", "Size"),
        Column("non_embedding_parameters", "Non-embedding parameters", .integer),
      ] + ResultSeries.columns("bits_per_parameter", "Bits for each parameter", bits))
    for group in series.groups {
      let rows = series.rows(group) {
        stored[$0.id]
      } _: { run in
        [.text(series.training(run)), .text(run.size), .integer(run.nonEmbeddingParameters)]
      }
      rows.forEach { data.append($0) }
    }
    return Figure(
      id: "stored-bits", title: "Stored bits for each parameter against model size",
      caption: """
        Bits of the trained triples that the model's probabilities save over the frequencies of each predicate's objects, \
        at least 0 for each triple, for each non-embedding parameter, with 95 % intervals over subjects.\
        \(series.captionWords)
        """,
      command: command, data: data,
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("bits_per_parameter", "Bits for each parameter", includesZero: true),
      color: Channel("training", "Training", palette: .ordered),
      shape: series.hasSeveralSeeds ? Channel("kind", "Point") : nil,
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["training", "series"]), .points],
      tooltip: ["size", "training", "bits_per_parameter", "lower", "upper", "kind"])
  }

  /// How far stated probabilities are from the share of answers that are right.
  func calibration() throws -> Table {
    let (percent, number) = (ColumnFormat.percent(digits: 1), ColumnFormat.number(digits: 3))
    let data = try series.results.records(
      [
        Column("run", "Run"), Column("visibility", "Queries"),
        Column("answer_count", "Answers", .integer), Column("accuracy", "Accuracy", percent),
        Column("mean_confidence", "Mean confidence", percent), Column("brier", "Brier", number),
        Column("brier_lower", "Brier lower", number), Column("brier_upper", "Brier upper", number),
        Column("ece_equal_width", "ECE, equal width", number),
        Column("ece_equal_mass", "ECE, equal mass", number), Column("bins", "Bins", .integer),
      ],
      """
      SELECT run.name AS run, c.* FROM calibration c JOIN run ON run.id = c.run_id
      ORDER BY run.rowid, \(VisibilityWords.order("c.visibility"))
      """)
    return Table(
      id: "calibration", title: "Calibration of greedy answers",
      caption: """
        *Confidence* is the probability of the greedy answer with its end token, *accuracy* the share that are right. \
        *Brier* is the mean squared difference of both, *ECE*, the expected calibration error, the mean \
        distance of confidence and accuracy over bins. Intervals are 95 % over subjects.
        """,
      command: command, data: data)
  }
}
