import Report

/// How well models tell true answers from wrong ones of the right type.
struct GradeTable {
  let series: ResultSeries
  let command: String

  /// Accuracy and mean reciprocal rank of each run by visibility; nil where nothing was ranked.
  func table() throws -> Table? {
    let (percent, rank) = (ColumnFormat.percent(digits: 1), ColumnFormat.number(digits: 3))
    let data = try series.results.records(
      [
        Column("run", "Run"), Column("visibility", "Queries"),
        Column("accuracy", "Accuracy", percent),
        Column("accuracy_lower", "Accuracy lower", percent),
        Column("accuracy_upper", "Accuracy upper", percent), Column("chance", "Chance", percent),
        Column("mean_reciprocal_rank", "MRR", rank),
        Column("mean_reciprocal_rank_lower", "MRR lower", rank),
        Column("mean_reciprocal_rank_upper", "MRR upper", rank),
        Column("query_count", "Queries (n)", .integer), Column("answer_count", "Answers", .integer),
      ],
      """
      SELECT run.name AS run, g.* FROM candidate_grade g JOIN run ON run.id = g.run_id
      WHERE g.group_kind = 'all' ORDER BY run.rowid, \(VisibilityWords.order("g.visibility"))
      """)
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
}
