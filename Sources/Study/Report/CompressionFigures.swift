import Evaluation
import Report

/// What compressed models are worth for the bytes that they take.
struct CompressionFigures {
  let series: ResultSeries
  let command: String

  /// Nil where no model is stored in fewer bytes than 4 for each parameter.
  func section() throws -> ReportSection? {
    let isCompressed = { (run: RunRow) in run.storedBytes.map { $0 != 4 * run.parameters } ?? false
    }
    guard series.results.runs.contains(where: isCompressed) else { return nil }
    let measures = [
      (
        "rate-vs-bytes", "Hallucination rate", ColumnFormat.percent(digits: 1),
        "Exact rate at temperature 1 on seen queries, with 95 % intervals over subjects.",
        """
        SELECT run_id, rate, lower, upper FROM rate WHERE visibility = 'seen' AND method = 'exact'
          AND temperature = 1 AND group_kind = 'all'
        """
      ),
      (
        "knowledge-vs-bytes", "Bits for each byte", .number(digits: 3),
        "Bits of the trained triples that the model stores, for each byte that storing it takes, with 95 % intervals over subjects.",
        """
        SELECT run_id, stored_bits / run.stored_bytes,
          stored_bits_per_triple_lower * triple_count / run.stored_bytes,
          stored_bits_per_triple_upper * triple_count / run.stored_bytes
        FROM stored_bits JOIN run ON run.id = run_id
        WHERE triples = 'trained' AND group_kind = 'all'
        """
      ),
      (
        "transfer-vs-bytes", "AUROC", .number(digits: 3),
        """
        Best of the detectors of sentences that learned from another model's answers, above all from those of the \
        model that a compressed one was made of, with 95 % intervals over subjects.
        """,
        """
        SELECT run_id, max(value), lower, upper FROM detector_transfer
        WHERE metric = 'auroc' AND task = 'sentence' AND trained_on <> run_id AND value IS NOT NULL GROUP BY run_id
        """
      ),
    ]
    let figures = try measures.compactMap(figure)
    return figures.isEmpty ? nil : ReportSection("Compression", figures.map(Block.figure))
  }

  /// A value against bytes, a line for each size; nil where no run has it.
  private func figure(
    _ id: String, _ value: String, _ format: ColumnFormat, _ words: String, _ sql: String
  ) throws -> Figure? {
    let values = try series.results.values(sql)
    var data = Records([
      Column("size", "Size"), Column("variant", "Compression"),
      Column("horizon", "Training"), Column("seed", "Seed", .integer),
      Column("stored_bytes", "Bytes stored", .integer), Column("value", value, format),
      Column("lower", "Lower", format), Column("upper", "Upper", format),
    ])
    for run in series.results.runs {
      guard let own = values[run.id] else { continue }
      data.append(
        [
          .text(run.size), .text(run.variant), .text(run.horizon + series.graph(run)),
          .integer(Int(run.seed)), Cell(run.storedBytes),
        ] + own.cells)
    }
    guard !data.rows.isEmpty else { return nil }
    return Figure(
      id: id, title: "\(value) against the bytes that a model takes",
      caption: """
        \(words) Bytes are counted from the weights, tokenizer and names aside.\(series.cutWords)
        """,
      command: command, data: data,
      x: Axis("stored_bytes", "Bytes stored", scale: .log, format: .count),
      y: Axis("value", value, format: format), color: Channel("size", "Size", palette: .ordered),
      marks: [.interval(low: "lower", high: "upper"), .points],
      tooltip: ["size", "variant", "horizon", "seed", "stored_bytes", "value", "lower", "upper"])
  }
}
