import Analysis
import Evaluation
import Foundation
import Report

/// What is published about detection and scale, held against a study's runs.
///
/// A run is the unit: slopes and means are over language models, seeds included, with t intervals.
struct DetectionClaims {
  let series: ResultSeries
  let command: String

  /// One claim about some runs, with the number that decides it.
  struct Finding: Equatable {
    var claim: String
    var training: String
    var task: String
    var family: String
    var metric: String
    /// Nil where there is no number, as of chains that have not mixed.
    var estimate: Estimate?
    /// Whether the claim says that the number is above zero, or below.
    var isPositive: Bool

    /// "holds" or "reversed" where the interval is on one side of zero, else "open"; "no number"
    /// without one.
    var verdict: String {
      guard let estimate else { return "no number" }
      guard let interval = estimate.interval else { return "open" }
      if interval.low > 0 { return isPositive ? "holds" : "reversed" }
      if interval.high < 0 { return isPositive ? "reversed" : "holds" }
      return "open"
    }
  }

  /// All findings: larger detectors, larger language models, sentence against token; few examples;
  /// posteriors.
  func findings() throws -> [Finding] {
    try DetectorRow.ladders(series).flatMap { training in
      try largerDetectors(training) + infiniteHeads(training) + largerModels(training)
        + sentenceAndToken(training)
    } + DistillationReport(series: series, command: command).findings()
      + PosteriorReport(series: series, command: command).findings()
  }

  /// Per run the slope of a metric on the logarithm of the detector's size; then the mean over
  /// runs.
  private func largerDetectors(_ training: String) throws -> [Finding] {
    // Other layers and places are no sizes; a model's own weights come in one size alone.
    try each(
      "larger detectors are better", training, from: "detector", order: "d.rowid",
      "d.kind IN ('head', 'full') AND instr(d.name, '@') = 0 AND d.name <> 'full-own'"
    ) { rows in
      let slopes = rows.chunks(by: \.run).compactMap { own in
        Trend.fit(own.map { (x: log10(Double($0.parameters)), y: $0.value) })?.slope.value
      }
      return StudentT.mean(slopes)
    }
  }

  /// Per run how much nearer the largest ReLU head of one hidden layer is to the infinitely wide
  /// one than the smallest, and how far the infinitely wide one is above the largest; then means
  /// over runs.
  private func infiniteHeads(_ training: String) throws -> [Finding] {
    let rows = try DetectorRow.all(
      series, from: "detector",
      """
      shown.training = ? AND d.kind IN ('head', 'kernel') AND instr(d.name, '@') = 0
        AND d.metric IN ('auprc', 'auprc_matched', 'auroc')
      ORDER BY d.task, d.metric, shown.place, d.run_id, d.parameters
      """, training)
    return rows.chunks(by: { [$0.task, $0.metric] }).flatMap { rows -> [Finding] in
      let gaps = rows.chunks(by: \.run).compactMap { own -> (nearer: Double, above: Double)? in
        let finite = own.filter(\.hasOneHiddenLayer)
        guard let limit = DetectorRow.limit(own), finite.count > 1 else { return nil }
        let (small, large) = (finite[0].value, finite[finite.count - 1].value)
        return (abs(limit.value - small) - abs(limit.value - large), limit.value - large)
      }
      func finding(_ claim: String, _ values: [Double]) -> Finding? {
        StudentT.mean(values).map {
          Finding(
            claim: claim, training: training, task: rows[0].task, family: "infinitely wide heads",
            metric: Self.titles[rows[0].metric] ?? "", estimate: $0, isPositive: true)
        }
      }
      return [
        finding("larger heads approach the infinite one", gaps.map(\.nearer)),
        finding("the infinite head is above the largest", gaps.map(\.above)),
      ].compactMap(\.self)
    }
  }

  /// The slope of a metric on the logarithm of the LM's size over all runs.
  private func largerModels(_ training: String) throws -> [Finding] {
    try each("larger LMs are harder to judge", training, isPositive: false) { rows in
      guard rows.count > 2 else { return nil }
      return Trend.fit(rows.map { (x: log10(Double($0.modelParameters)), y: $0.value) })?.slope
    }
  }

  /// The mean over runs of a metric in the sentence task less that in the token task.
  private func sentenceAndToken(_ training: String) throws -> [Finding] {
    try each("sentence beats token", training, "d.kind <> 'baseline'", joinsTasks: true) { rows in
      StudentT.mean(
        rows.chunks(by: \.run).filter { $0.count == 2 }.map { $0[0].value - $0[1].value })
    }
  }

  /// A finding for each family, metric and task, or both tasks, whose rows give an estimate.
  private func each(
    _ claim: String, _ training: String, from table: String = "best_detector",
    order: String = "d.task", _ condition: String = "true", joinsTasks: Bool = false,
    isPositive: Bool = true, _ estimate: ([DetectorRow]) -> Estimate?
  ) throws -> [Finding] {
    let rows = try DetectorRow.all(
      series, from: table,
      """
      shown.training = ? AND f.place IS NOT NULL AND \(condition)
        AND d.metric IN ('auprc', 'auprc_matched', 'auroc')
      ORDER BY \(joinsTasks ? "" : "d.task,") f.place, d.metric, shown.place, \(order)
      """, training)
    return rows.chunks(by: { [joinsTasks ? "both" : $0.task, $0.family, $0.metric] })
      .compactMap { rows in
        estimate(rows).map {
          Finding(
            claim: claim, training: training, task: joinsTasks ? "both" : rows[0].task,
            family: rows[0].family ?? "", metric: Self.titles[rows[0].metric] ?? "", estimate: $0,
            isPositive: isPositive)
        }
      }
  }

  private static let titles = [
    "auprc": "AUC-PR", "auprc_matched": "matched AUC-PR", "auroc": "AUROC",
  ]

  /// The findings as a table; nil where there are none.
  func table() throws -> Table? {
    let findings = try findings()
    guard !findings.isEmpty else { return nil }
    var data = Records([
      Column("claim", "Claim"), Column("verdict", "Verdict"), Column("task", "Task"),
      Column("detectors", "Detectors"), Column("metric", "Metric"),
      Column("estimate", "Estimate", .number(digits: 3)),
      Column("lower", "Lower", .number(digits: 3)), Column("upper", "Upper", .number(digits: 3)),
      Column("runs", "LMs", .integer), Column("training", "Training"),
    ])
    for row in findings {
      data.append([
        .text(row.claim), .text(row.verdict), .text(row.task), .text(row.family),
        .text(row.metric), Cell(row.estimate?.value), Cell(row.estimate?.interval?.low),
        Cell(row.estimate?.interval?.high), .integer(row.estimate?.count ?? 0), .text(row.training),
      ])
    }
    return Table(
      id: "claims", title: "Published claims, held against these runs",
      caption: """
        *Larger detectors are better* on a fixed language model: the metric's slope on the decimal logarithm of the \
        detector's parameters, mean over models. *Larger heads approach the infinite one*: how much nearer the largest \
        ReLU head of one hidden layer is to \(KernelHead.limit.name) than the smallest is, and *the infinite head is above \
        the largest* by how much; means over models. *Larger LMs are harder to judge*: its slope on that of the model's \
        parameters. *Sentence beats token*: the difference, mean over models. Of the detectors of a family the one of \
        highest AUROC on the validation part counts. *Inducing points* and *posteriors*: mean differences over models, each to \
        what the row names; of chains the decimal logarithm of effective samples a gradient with repriorisation over \
        those without, on models where both have mixed, and no number where they have on none. Slopes are by least squares, intervals 95 % by Student's t \
        with language models as units. A claim *holds* or is *reversed* where the interval leaves out zero, and is \
        *open* otherwise. AUC-PR falls with prevalence alone; AUROC and matched AUC-PR do not. Intervals are not \
        widened for the number of rows.
        """,
      command: command, data: data)
  }

  /// AUROC against the size of the LM, a colour for each family and a panel for each training and
  /// task.
  func bySize() throws -> Figure? {
    let ladders = try DetectorRow.ladders(series)
    guard !ladders.isEmpty else { return nil }
    var data = Records(
      [
        Column("panel", "Task and training"), Column("family", "Detectors"),
        Column("detector", "Detector"), Column("size", "Size of the LM"),
        Column("lm_parameters", "LM parameters", .integer),
      ] + ResultSeries.columns("auroc", "AUROC", .number(digits: 3)))
    for training in ladders {
      // As many families as there are colours that stay apart.
      let rows = try DetectorRow.all(
        series, from: "best_detector",
        """
        shown.training = ? AND f.place IS NOT NULL AND d.metric = 'auroc'
          AND d.kind NOT IN ('baseline', 'entropy-probe')
        ORDER BY d.task, f.place, shown.place
        """, training)
      // Of several seeds their mean with its range.
      for seeds in rows.chunks(by: { [$0.task, $0.family, "\($0.group)"] }) {
        let row = seeds[0]
        data.append(
          [
            .text("\(row.task) task, \(training)"), .text(row.family ?? ""), .text(row.name),
            .text(row.size), .integer(row.modelParameters),
          ] + ResultSeries.mean(of: seeds.map(\.measured)))
      }
    }
    return Figure(
      id: "detection-by-lm-size", title: "Detection (AUROC) against the size of the language model",
      caption: """
        Chance is 0.5 whatever the rate. Points are means over seeds, where there are several, and bars go from the \
        lowest seed to the highest.
        """,
      command: command, data: data,
      x: Axis("lm_parameters", "Non-embedding parameters of the LM", scale: .log, format: .count),
      y: Axis("auroc", "AUROC", domain: 0.4...1),
      color: Channel("family", "Detectors"), panel: Channel("panel", "Task and training"),
      marks: [.interval(low: "lower", high: "upper"), .line(), .points],
      rules: [Rule(.horizontal(0.5), "chance")],
      tooltip: ["panel", "family", "detector", "size", "auroc", "lower", "upper", "kind"])
  }
}
