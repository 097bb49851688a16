import Evaluation
import Report

/// The tables of a report.
struct ReportTables {
  let series: ResultSeries
  let command: String

  private var results: StudyResults { series.results }
  private static let percent = ColumnFormat.percent(digits: 1)

  func runs() throws -> Table {
    let isWhole = results.runs.allSatisfy { $0.epochs == $0.epochs.rounded() }
    let data = try results.records(
      [
        Column("run", "Run"), Column("size", "Size"),
        Column("non_embedding_parameters", "Non-embedding parameters", .integer),
        Column("parameters", "All parameters", .integer),
        Column("epochs", "Epochs", isWhole ? .integer : .number(digits: 2)),
        Column("fraction", "Fraction", .number(digits: 2)), Column("seed", "Seed", .integer),
        Column("learning_rate", "Learning rate", .number(digits: 4)),
        Column("precision", "Precision"), Column("variant", "Variant"), Column("status", "Status"),
        Column("u", "u", .number(digits: 2)),
        Column("training_flops", "Training FLOPs", .scientific),
        Column("cross_entropy", "Cross entropy (nats)", .number(digits: 3)),
        Column("fvs_rate", "FVS", Self.percent), Column("pvs_rate", "PVS", Self.percent),
        Column("ivs_rate", "IVS", Self.percent),
        Column("seconds", "Training seconds", .number(digits: 1)),
        Column("tokens_per_second", "Tokens/s", .count),
      ],
      """
      SELECT run.*, run.name AS run, run.tokens_per_parameter AS u, fvs.rate AS fvs_rate,
        pvs.rate AS pvs_rate, ivs.rate AS ivs_rate
      FROM run
      \(Self.rate("fvs")) \(Self.rate("pvs")) \(Self.rate("ivs"))
      ORDER BY run.epochs, run.fraction, run.non_embedding_parameters, run.rowid
      """)
    return Table(
      id: "runs", title: "Runs",
      caption: """
        Rates are exact at temperature 1. u is unique training tokens per parameter.\(series.cutWords)
        """,
      command: command, data: data)
  }

  func rates() throws -> Table {
    let data = try results.records(
      [
        Column("run", "Run"), Column("visibility", "Queries"), Column("method", "Method"),
        Column("temperature", "Temperature", .number(digits: 1)),
        Column("rate", "Hallucination rate", Self.percent), Column("lower", "Lower", Self.percent),
        Column("upper", "Upper", Self.percent), Column("correct", "Correct", Self.percent),
        Column("correct_held_out", "Correct, never trained on", Self.percent),
        Column("query_count", "Queries (n)", .integer),
        Column("sample_count", "Completions", .integer),
      ],
      """
      SELECT run.name AS run, r.* FROM rate r JOIN run ON run.id = r.run_id
      WHERE r.group_kind = 'all'
      ORDER BY run.rowid, instr('exact sampled greedy', r.method), r.temperature,
        \(VisibilityWords.order("r.visibility"))
      """)
    let cut =
      series.cut.map {
        " Exact and sampled rates are of the distribution cut to \($0); greedy ones are as without it."
      } ?? ""
    return Table(
      id: "rates", title: "Rates by run, queries, method and temperature",
      caption: """
        Intervals are 95 %: of exact and sampled rates over subjects, of greedy ones Wilson's over queries.\(cut)
        """, command: command, data: data)
  }

  /// A run's headline rate on a set, under the set's name.
  private static func rate(_ visibility: String) -> String {
    """
    LEFT JOIN run_rate \(visibility) ON \(visibility).run_id = run.id
      AND \(visibility).visibility = '\(visibility)' AND \(visibility).method = 'exact'
      AND \(visibility).temperature = 1
    """
  }

  func failures() throws -> Table {
    Table(
      id: "missing", title: "Tasks without a result", command: command,
      data: try results.records(
        [Column("task", "Task"), Column("status", "Status"), Column("error", "Error")],
        "SELECT name AS task, status, error FROM failure ORDER BY rowid"))
  }
}
