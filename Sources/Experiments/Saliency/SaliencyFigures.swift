import Evaluation
import Report

/// Saliency in a study's report.
struct SaliencyFigures {
  let results: StudyResults
  let command: String

  private static let quantity = """
    CASE s.quantity WHEN 'object_share' THEN 'on the object, by gradient'
      WHEN 'occlusion_object_share' THEN 'on the object, by occlusion'
      WHEN 'gini' THEN 'sparsity' ELSE 'agreement' END
    """

  /// Each quantity against the detector's size, a panel each.
  func figure() throws -> Figure {
    let number = ColumnFormat.number(digits: 3)
    let data = try results.records(
      [
        Column("quantity", "Quantity"), Column("detector", "Detector"),
        Column("of", "Of the model"), Column("answers", "Answers"),
        Column("parameters", "Parameters", .integer), Column("seed", "Seed", .integer),
        Column("value", "Value", number), Column("lower", "Lower", number),
        Column("upper", "Upper", number), Column("answer_count", "Answers (n)", .integer),
      ],
      """
      SELECT \(Self.quantity) AS quantity, s.detector,
        run.size || ', ' || \(StudyResults.training) AS of, s.answers,
        s.parameters, run.seed, s.value, s.lower, s.upper, s.answer_count
      FROM saliency s JOIN run ON run.id = s.run_id
      WHERE s.detector NOT LIKE '%, round %'
      ORDER BY s.quantity, s.parameters, s.detector, run.rowid, s.answers
      """)
    return Figure(
      id: "saliency", title: "What detectors look at",
      caption: """
        By how much replacing a token of a name would change the detector's logit, to first order (gradient) and tried \
        (occlusion): the share on the object, sparsity (Gini's coefficient over tokens) and the rank correlation of both. \
        Means over answers; bars are 95 % by resampling subjects.
        """,
      command: command, data: data,
      x: Axis("parameters", "Parameters of the detector", scale: .log, format: .count),
      y: Axis("value", "Value", format: number), color: Channel("answers", "Answers"),
      shape: Channel("of", "Of the model"), panel: Channel("quantity", "Quantity"),
      marks: [.interval(low: "lower", high: "upper"), .points],
      tooltip: ["quantity", "detector", "of", "seed", "answers", "value", "lower", "upper"])
  }

  /// Each quantity of detectors that were hardened, before, after the last round, and the
  /// difference.
  func hardened() throws -> Figure {
    let number = ColumnFormat.number(digits: 3)
    let data = try results.records(
      [
        Column("quantity", "Quantity"), Column("detector", "Detector"), Column("when", "Detectors"),
        Column("of", "Of the model"), Column("parameters", "Parameters", .integer),
        Column("seed", "Seed", .integer), Column("value", "Value", number),
        Column("lower", "Lower", number), Column("upper", "Upper", number),
        Column("answer_count", "Answers (n)", .integer),
      ],
      """
      SELECT \(Self.quantity) AS quantity, s.detector, CASE WHEN s.detector LIKE '% - %' THEN 'difference'
          WHEN s.detector LIKE '%, round %' THEN 'after hardening' ELSE 'before' END AS "when",
        run.size || ', ' || \(StudyResults.training) AS of,
        s.parameters, run.seed, s.value, s.lower, s.upper, s.answer_count
      FROM saliency s JOIN run ON run.id = s.run_id
      WHERE s.answers = 'all' AND EXISTS (SELECT 1 FROM saliency o
        WHERE o.run_id = s.run_id AND o.detector LIKE '%, round %')
      ORDER BY s.quantity, CASE WHEN s.detector LIKE '% - %' THEN 2
        WHEN s.detector LIKE '%, round %' THEN 1 ELSE 0 END, s.parameters, run.rowid
      """)
    return Figure(
      id: "saliency-hardened",
      title: "What detectors look at before and after adversarial training",
      caption: """
        Means over the same answers, as trained and after the last round of adversarial training, and the mean difference answer by answer. \
        Bars are 95 % by resampling subjects; a difference whose bar leaves out 0 is one of these detectors, not of other seeds.
        """,
      command: command, data: data,
      x: Axis("parameters", "Parameters of the detector", scale: .log, format: .count),
      y: Axis("value", "Value", includesZero: true, format: number),
      color: Channel("when", "Detectors"), shape: Channel("of", "Of the model"),
      panel: Channel("quantity", "Quantity"),
      marks: [.interval(low: "lower", high: "upper"), .points], rules: [Rule(.horizontal(0))],
      tooltip: ["quantity", "detector", "when", "of", "seed", "value", "lower", "upper"])
  }
}
