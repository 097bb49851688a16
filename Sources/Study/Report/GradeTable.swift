import Report

/// How well models tell true answers from wrong ones of the right type.
struct GradeTable {
  let series: ResultSeries
  let command: String

  /// Accuracy and mean reciprocal rank of each run by visibility; nil where nothing was ranked.
  func table() -> Table? {
    let names = Dictionary(uniqueKeysWithValues: series.results.runs.map { ($0.id, $0.name) })
    var data = Records([
      Column("run", "Run"), Column("visibility", "Queries"),
      Column("accuracy", "Accuracy", Self.percent),
      Column("accuracy_lower", "Accuracy lower", Self.percent),
      Column("accuracy_upper", "Accuracy upper", Self.percent),
      Column("chance", "Chance", Self.percent), Column("mean_reciprocal_rank", "MRR", Self.rank),
      Column("mean_reciprocal_rank_lower", "MRR lower", Self.rank),
      Column("mean_reciprocal_rank_upper", "MRR upper", Self.rank),
      Column("query_count", "Queries (n)", .integer), Column("answer_count", "Answers", .integer),
    ])
    for row in series.results.grades where row.groupKind == "all" {
      data.append([
        Cell(names[row.runID]), .text(row.visibility), .number(row.accuracy),
        Cell(row.accuracyLower), Cell(row.accuracyUpper), .number(row.chance),
        .number(row.meanReciprocalRank), Cell(row.meanReciprocalRankLower),
        Cell(row.meanReciprocalRankUpper), .integer(row.queryCount), .integer(row.answerCount),
      ])
    }
    guard !data.rows.isEmpty else { return nil }
    return Table(
      id: "candidates", title: "True answers among candidates",
      caption: """
        Each true answer is ranked among wrong objects of the right type by the probability of the whole name with \
        its end token, at temperature 1 and without any cut. *Accuracy* is the share at rank 1, *chance* that of a \
        guess, *MRR* the mean reciprocal rank. Intervals are 95 % over subjects.
        """,
      command: command, data: data)
  }

  private static let percent = ColumnFormat.percent(digits: 1)
  private static let rank = ColumnFormat.number(digits: 3)
}
