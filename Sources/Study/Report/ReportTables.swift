import Report

/// The tables of a report.
struct ReportTables {
  let series: ResultSeries
  let command: String

  private var results: StudyResults { series.results }
  private static let percent = ColumnFormat.percent(digits: 1)

  func runs() -> Table {
    let isWhole = results.runs.allSatisfy { $0.epochs == $0.epochs.rounded() }
    var data = Records([
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
    ])
    for run in series.allGroups.flatMap(\.runs) {
      let rates = ["fvs", "pvs", "ivs"].map { Cell(series.rate(run, $0)?.rate) }
      data.append(
        [
          .text(run.name), .text(run.size), .integer(run.nonEmbeddingParameters),
          .integer(run.parameters), .number(run.epochs), .number(run.fraction),
          .integer(Int(run.seed)), .number(run.learningRate), .text(run.precision),
          .text(run.variant), .text(run.status), .number(run.tokensPerParameter),
          .number(run.trainingFLOPs), Cell(run.crossEntropy),
        ] + rates + [Cell(run.seconds), Cell(run.tokensPerSecond)])
    }
    return Table(
      id: "runs", title: "Runs",
      caption: """
        Rates are exact at temperature 1. u is unique training tokens per parameter.\(series.cutWords)
        """,
      command: command, data: data)
  }

  func rates() -> Table {
    let names = Dictionary(uniqueKeysWithValues: results.runs.map { ($0.id, $0.name) })
    var data = Records([
      Column("run", "Run"), Column("visibility", "Queries"), Column("method", "Method"),
      Column("temperature", "Temperature", .number(digits: 1)),
      Column("rate", "Hallucination rate", Self.percent), Column("lower", "Lower", Self.percent),
      Column("upper", "Upper", Self.percent),
      Column("correct", "Correct", Self.percent),
      Column("correct_held_out", "Correct, never trained on", Self.percent),
      Column("query_count", "Queries (n)", .integer),
      Column("sample_count", "Completions", .integer),
    ])
    for row in results.rates where row.groupKind == "all" {
      data.append([
        Cell(names[row.runID]), .text(row.visibility), .text(row.method), .number(row.temperature),
        .number(row.rate), Cell(row.lower), Cell(row.upper), .number(row.correct),
        .number(row.correctHeldOut), .integer(row.queryCount), .integer(row.sampleCount),
      ])
    }
    return Table(
      id: "rates", title: "Rates by run, queries, method and temperature",
      caption: series.cut.map {
        "Exact and sampled rates are of the distribution cut to \($0); greedy ones are as without it."
      } ?? "", command: command, data: data)
  }

  func failures() -> Table {
    Table(
      id: "missing", title: "Tasks without a result", command: command,
      data: Records(
        [Column("task", "Task"), Column("status", "Status"), Column("error", "Error")],
        results.failures.map { [.text($0.name), .text($0.status), .text($0.error)] }))
  }
}
