import Evaluation
import Report

/// Detectors deployed at random in a study's report.
struct DisjointFigure {
  let results: StudyResults
  let command: String

  private static let quantity = """
    CASE d.quantity WHEN 'clean' THEN 'without a text'
      WHEN 'balanced' THEN 'without a text, classes alike' WHEN 'own' THEN 'text against itself'
      WHEN 'other' THEN 'text against another' WHEN 'deployed' THEN 'one deployed at random'
      ELSE 'detectors that say one thing' END
    """

  /// Accuracy without and with texts, a column for each group.
  func figure() throws -> Figure {
    let percent = ColumnFormat.percent(digits: 1)
    let data = try results.records(
      [
        Column("quantity", "Accuracy"), Column("detectors", "Detectors"),
        Column("of", "Of the model"), Column("seed", "Seed", .integer),
        Column("parameters", "Parameters of the model", .integer),
        Column("value", "Accuracy", percent), Column("lower", "Lower", percent),
        Column("upper", "Upper", percent), Column("example_count", "Answers (n)", .integer),
      ],
      """
      SELECT \(Self.quantity) AS quantity,
        CASE WHEN d.detectors = 'joint' AND (SELECT count(DISTINCT weight) FROM disjoint_accuracy
          WHERE detectors = 'joint') > 1 THEN 'joint at ' || d.weight ELSE d.detectors END AS detectors,
        run.size || ', ' || \(StudyResults.training) AS of, run.seed,
        run.non_embedding_parameters AS parameters, d.value, d.lower, d.upper, d.example_count
      FROM disjoint_accuracy d JOIN run ON run.id = d.run_id
      WHERE d.detectors NOT LIKE '% - %' AND d.quantity <> 'constant'
      ORDER BY d.quantity, d.detectors, d.weight, run.rowid
      """)
    return Figure(
      id: "disjoint", title: "Detectors deployed at random",
      caption: """
        Accuracy of detectors that were trained together not to share attacks (joint), of independent ones, and of those as an \
        ensemble; without a text, with the text that GCG found against the same detector, with one against another, and where both \
        are drawn at random. Bars are 95 % by resampling subjects.
        """,
      command: command, data: data,
      x: Axis("parameters", "Parameters of the judged model", scale: .log, format: .count),
      y: Axis("value", "Accuracy", format: percent), color: Channel("detectors", "Detectors"),
      shape: Channel("of", "Of the model"), panel: Channel("quantity", "Accuracy"),
      marks: [.interval(low: "lower", high: "upper"), .points],
      tooltip: ["quantity", "detectors", "of", "seed", "value", "lower", "upper"])
  }

  /// Where detectors were trained together at several weights of the penalties, all quantities
  /// against them, beside those of independent ones.
  func byWeight() throws -> Figure {
    let percent = ColumnFormat.percent(digits: 1)
    let data = try results.records(
      [
        Column("quantity", "Quantity"), Column("weight", "Weight", .number(digits: 3)),
        Column("detectors", "Detectors"), Column("of", "Of the model"),
        Column("seed", "Seed", .integer), Column("value", "Share", percent),
        Column("lower", "Lower", percent), Column("upper", "Upper", percent),
        Column("example_count", "Answers (n)", .integer),
      ],
      """
      SELECT \(Self.quantity) AS quantity, w.weight, d.detectors,
        run.size || ', ' || \(StudyResults.training) AS of, run.seed,
        d.value, d.lower, d.upper, d.example_count
      FROM disjoint_accuracy d JOIN run ON run.id = d.run_id
      JOIN (SELECT DISTINCT run_id, weight FROM disjoint_accuracy WHERE detectors = 'joint') w
        ON w.run_id = d.run_id AND (w.weight = d.weight OR d.detectors = 'independent')
      WHERE d.detectors IN ('joint', 'independent')
        AND (SELECT count(DISTINCT weight) FROM disjoint_accuracy WHERE detectors = 'joint') > 1
      ORDER BY d.quantity, d.detectors DESC, run.rowid, w.weight
      """)
    return Figure(
      id: "disjoint-weight", title: "Detectors trained together by the weight of the penalties",
      caption: """
        Accuracy without a text, of all answers and with both classes alike, with texts, and the share of the detectors that say the \
        same of every answer: those have collapsed, so that no text turns them and all that they are is what one class is. \
        Independent detectors are the same at every weight. Bars are 95 % by resampling subjects.
        """,
      command: command, data: data,
      x: Axis("weight", "Weight of the penalties", scale: .log),
      y: Axis("value", "Share", domain: 0...1, format: percent),
      color: Channel("detectors", "Detectors"), shape: Channel("of", "Of the model"),
      panel: Channel("quantity", "Quantity"),
      marks: [
        .interval(low: "lower", high: "upper"), .line(by: ["quantity", "detectors", "of", "seed"]),
        .points,
      ], tooltip: ["quantity", "weight", "detectors", "of", "seed", "value", "lower", "upper"])
  }
}
