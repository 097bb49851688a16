import Analysis
import Evaluation
import Report

/// How well each model of a study judges the answers of each: language model judged by language
/// model that judges.
struct JudgeMap {
  let series: ResultSeries
  let command: String

  /// One judge of the models of a group, in one task, beside the judged model's own
  /// log-probability; a value a seed.
  private struct Pair {
    let judged: DetectorRow
    let judge: DetectorRow
    let judges: [Measured]
    let own: [Measured]

    /// "better" or "worse" where the intervals of every seed are apart.
    var verdict: String {
      let pairs = zip(judges, own)
      func areAbove(_ high: Measured, _ low: Measured) -> Bool {
        guard let lower = high.lower, let upper = low.upper else { return false }
        return lower > upper
      }
      if pairs.allSatisfy({ areAbove($0, $1) }) { return "better" }
      return pairs.allSatisfy { areAbove($1, $0) } ? "worse" : "open"
    }
  }

  private func pairs() throws -> [Pair] {
    let rows = try DetectorRow.all(
      series, from: "detector",
      """
      d.family IN ('log-probability', 'cross-log-probability') AND d.metric = 'auroc'
      ORDER BY shown.group_place, d.task, d.family = 'cross-log-probability', d.parameters, d.name,
        shown.place
      """)
    return rows.chunks(by: { ["\($0.group)", $0.task] }).flatMap { rows -> [Pair] in
      let own = rows.filter { $0.judge == nil }
      return rows.filter { $0.judge != nil }.chunks(by: \.name).compactMap { judges in
        // The same seeds on both sides.
        let both = judges.compactMap { judge in
          own.first { $0.run == judge.run }.map { (judge.measured, $0.measured) }
        }
        guard let first = own.first, !both.isEmpty else { return nil }
        return Pair(
          judged: first, judge: judges[0], judges: both.map(\.0), own: both.map(\.1))
      }
    }
  }

  private static let number = ColumnFormat.number(digits: 3)

  /// AUROC against the judge's size, a line for each model judged; nil with less than two judges.
  func figure() throws -> Figure? {
    let pairs = try pairs()
    guard Set(pairs.map(\.judge.judge)).count > 1 else { return nil }
    var data = Records(
      [
        Column("panel", "Task and training"), Column("size", "LM judged"),
        Column("judge", "Judge"), Column("judge_parameters", "Judge's parameters", .integer),
        Column("own", "AUROC of its own log-probability", Self.number),
        Column("verdict", "Judge against own"),
      ] + ResultSeries.columns("auroc", "AUROC", Self.number))
    for pair in pairs {
      data.append(
        [
          .text("\(DetectionFigures.title(pair.judged.task)), \(pair.judged.training)"),
          .text(pair.judged.size), Cell(pair.judge.judge), .integer(pair.judge.parameters),
          Cell(Mean.of(pair.own.map(\.value))), .text(pair.verdict),
        ] + ResultSeries.mean(of: pair.judges))
    }
    return Figure(
      id: "judge-map", title: "Who knows better: AUROC of another model's log-probability",
      caption: """
        The score is minus the log-probability that the judge gives to the answers (or, in the token task, to the token) of the \
        language model judged. Where the judge has the size of the judged model it is that model itself. \
        Intervals are 95 % over subjects; of several seeds the mean, with bars from the lowest to the highest.
        """,
      command: command, data: data,
      x: Axis(
        "judge_parameters", "Non-embedding parameters of the judge", scale: .log, format: .count),
      y: Axis("auroc", "AUROC", domain: 0.4...1),
      color: Channel("size", "LM judged", palette: .ordered),
      panel: Channel("panel", "Task and training"),
      marks: [.interval(low: "lower", high: "upper"), .line(), .points],
      rules: [Rule(.horizontal(0.5), "chance")],
      tooltip: ["panel", "size", "judge", "auroc", "lower", "upper", "own", "verdict", "kind"])
  }

  /// Every judge of every model beside the model's own log-probability; nil without judges.
  func table() throws -> Table? {
    let pairs = try pairs()
    guard !pairs.isEmpty else { return nil }
    var data = Records([
      Column("training", "Training"), Column("task", "Task"), Column("size", "LM judged"),
      Column("judge", "Judge"), Column("auroc", "AUROC", Self.number),
      Column("lower", "Lower", Self.number), Column("upper", "Upper", Self.number),
      Column("own", "Its own", Self.number), Column("own_lower", "Own lower", Self.number),
      Column("own_upper", "Own upper", Self.number),
      Column("difference", "Difference", Self.number), Column("verdict", "Judge"),
      Column("runs", "Seeds", .integer),
    ])
    for pair in pairs {
      func cells(_ values: [Measured]) -> [Cell] {
        (values.count == 1 ? values[0] : Measured(spread: values.map(\.value))).cells
      }
      let differences = zip(pair.judges, pair.own).map { $0.value - $1.value }
      data.append(
        [
          .text(pair.judged.training), .text(pair.judged.task), .text(pair.judged.size),
          Cell(pair.judge.judge),
        ] + cells(pair.judges) + cells(pair.own) + [
          Cell(Mean.of(differences)), .text(pair.verdict), .integer(differences.count),
        ])
    }
    return Table(
      id: "judges", title: "Judges beside the judged model's own log-probability",
      caption: """
        AUROC of the log-probability that the judge, a model of the study trained alike, gives to the answers of the model \
        judged, and of the one that this model gives itself. A judge is *better* or *worse* where the 95 % intervals over \
        subjects do not overlap, in every seed; both are of the same answers, so that this asks for more than their difference \
        would. Of several seeds the mean, with the lowest and the highest.
        """,
      command: command, data: data)
  }
}
