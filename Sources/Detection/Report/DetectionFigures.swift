import Analysis
import Evaluation
import Report

/// The figures of detectors.
struct DetectionFigures {
  let series: ResultSeries
  let command: String

  private static let columns = [
    Column("task", "Task"), Column("detector", "Detector"), Column("size", "Size of the LM"),
    Column("training", "Training"),
    Column("lm_rate", "LM's hallucination rate", .percent(digits: 1)),
    Column("prevalence", "Prevalence", .percent(digits: 1)),
  ]

  /// AUC-PR of the best head of each task against the LM's rate, with its chance level; nil without
  /// a head.
  func auprc() throws -> Figure? {
    let heads = try records([("auprc", "AUC-PR")], panels: false)
    guard !heads.rows.isEmpty else { return nil }
    return Figure(
      id: "auprc-vs-rate", title: "Detection (AUC-PR) against the LM's hallucination rate",
      caption: """
        For each language model the head of highest AUROC on the validation part. AUC-PR of a detector that knows nothing is the \
        prevalence, the grey line: it falls with the rate, so a fall of AUC-PR alone doesn't show that \
        hallucinations became harder to detect. Grey points are those of arXiv 2408.07852, read from its figure. \(barWords)
        """,
      command: command, data: withPublished(heads),
      x: rateAxis, y: Axis("value", "AUC-PR", domain: 0...1),
      color: Channel("task", "Task"), marks: marks, rules: [Rule(.identity, "chance")],
      tooltip: Self.tooltip, muted: ["sentence", "token"].map(Self.published))
  }

  /// The same for metrics whose chance level does not move with prevalence.
  func prevalenceFree() throws -> Figure? {
    let heads = try records(
      [("auroc", "AUROC"), ("auprc_matched", "AUC-PR at matched prevalence (50 %)")], panels: true)
    guard !heads.rows.isEmpty else { return nil }
    return Figure(
      id: "prevalence-free-vs-rate",
      title: "Detection free of prevalence against the LM's hallucination rate",
      caption: """
        AUROC, and AUC-PR after weighting both classes equally. Chance is 0.5 for both at every rate, so \
        these say whether hallucinations become *harder* to detect rather than rarer. \(barWords)
        """,
      command: command, data: heads,
      x: rateAxis, y: Axis("value", "Value", domain: 0.4...1),
      color: Channel("task", "Task"), shape: series.markers, panel: Channel("metric", "Metric"),
      marks: marks,
      rules: [Rule(.horizontal(0.5), "chance")], tooltip: ["metric"] + Self.tooltip)
  }

  /// AUROC of every head against its number of parameters, a colour for each LM; nil with one head
  /// only.
  func byDetectorSize() throws -> Figure? {
    var data = Records(
      [
        Column("panel", "Task and training"), Column("size", "Size of the LM"),
        Column("detector", "Detector"),
        Column("detector_parameters", "Detector parameters", .integer), Column("width", "Width"),
      ] + ResultSeries.columns("auroc", "AUROC", .number(digits: 3)))
    let rows = try DetectorRow.all(
      series, from: "detector",
      """
      d.kind IN ('head', 'kernel') AND d.metric = 'auroc'
      ORDER BY min(shown.place) OVER (PARTITION BY shown.training), d.task, shown.group_place,
        d.parameters, min(d.rowid) OVER (PARTITION BY shown.group_place, d.task, d.name), d.rowid
      """)
    let finite = rows.filter { $0.kind == "head" }
    guard Set(finite.map(\.name)).count > 1 else { return nil }
    // Of several seeds their mean with its range.
    for seeds in rows.chunks(by: { ["\($0.group)", $0.task, $0.name] }) {
      let row = seeds[0]
      // An infinitely wide head is a level line from the smallest finite one to the largest.
      let alike = rows.filter { $0.group == row.group && $0.task == row.task }
      let own = alike.filter { $0.kind == "head" }.map(\.parameters)
      guard row.kind == "head" || row.name == DetectorRow.limit(alike)?.name else { continue }
      for parameters in row.kind == "head"
        ? [row.parameters] : Set([own.min(), own.max()].compactMap(\.self)).sorted()
      {
        data.append(
          [
            .text("\(Self.title(row.task)), \(row.training)"), .text(row.size), .text(row.name),
            .integer(parameters), .text(row.kind == "head" ? "finite" : "infinite"),
          ] + ResultSeries.mean(of: seeds.map(\.measured)))
      }
    }
    return Figure(
      id: "detector-size", title: "Detection against detector size",
      caption: """
        AUROC of every head on each language model, with 95 % intervals over subjects; where there are several seeds \
        their mean, with bars from the lowest seed to the highest. A level line is the infinitely wide head \
        \(KernelHead.limit.kernel.name), which ReLU heads with one hidden layer go to; it has no size, and spans those of the \
        finite ones.
        """,
      command: command, data: data,
      x: Axis("detector_parameters", "Detector parameters", scale: .log, format: .count),
      y: Axis("auroc", "AUROC", domain: 0.4...1),
      color: Channel("size", "Size of the LM", palette: .ordered),
      panel: Channel("panel", "Task and training"),
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["size", "width"]), .points],
      rules: [Rule(.horizontal(0.5), "chance")],
      tooltip: [
        "panel", "size", "detector", "detector_parameters", "width", "auroc", "lower", "upper",
        "kind",
      ])
  }

  // MARK: Parts

  static func title(_ task: String) -> String { "\(task) task" }

  private static let tooltip = [
    "size", "training", "task", "detector", "lm_rate", "prevalence", "value", "lower", "upper",
    "kind",
  ]

  private var rateAxis: Axis {
    Axis(
      "lm_rate", "LM's hallucination rate on seen queries", includesZero: true,
      format: .percent(digits: 0))
  }

  private var marks: [Mark] {
    [.interval(low: "lower", high: "upper"), .line(by: ["task", "series"]), .points]
  }

  private static func published(_ task: String) -> String { "published, \(title(task))" }

  private var barWords: String {
    "Bars of one run are 95 % intervals over subjects.\(series.captionWords)"
      + (series.hasSeveralSeeds ? " Lines join the means of one training." : "")
  }

  /// The best heads, then the published points.
  private func withPublished(_ heads: Records) -> Records {
    var data = heads
    for task in ["sentence", "token"] {
      for point in PublishedDetection.points {
        data.append(
          [
            .text(Self.published(task)), .missing, .text(point.size), .text(point.data),
            .number(point.rate), .number(point.rate),
          ] + Measured(value: point.value(task)).cells + [.text(point.data), "read from a figure"])
      }
    }
    return data
  }

  /// The best head of each run; of several seeds also the means of rate and value, which lines
  /// join.
  private func records(_ metrics: [(String, String)], panels: Bool) throws -> Records {
    var data = Records(
      (panels ? [Column("metric", "Metric")] : []) + Self.columns
        + ResultSeries.columns("value", panels ? "Value" : "AUC-PR", .number(digits: 3)))
    for (metric, label) in metrics {
      let heads = try DetectorRow.all(
        series, from: "best_detector",
        """
        d.kind = 'head' AND d.metric = ? AND r.rate IS NOT NULL ORDER BY d.task, shown.place
        """, metric)
      for seeds in heads.chunks(by: { ["\($0.group)", $0.task] }) {
        let lead: [Cell] = (panels ? [.text(label)] : []) + [.text(Self.title(seeds[0].task))]
        for row in rows(seeds) { data.append(lead + row) }
      }
    }
    return data
  }

  /// A row for each seed, with its interval where it is the only one, then the mean of several.
  private func rows(_ seeds: [DetectorRow]) -> [[Cell]] {
    let first = seeds[0]
    func cells(_ detector: String, _ rate: Double?, _ prevalence: Double?) -> [Cell] {
      [
        .text(detector), .text(first.size), .text(first.training), Cell(rate), Cell(prevalence),
      ]
    }
    guard seeds.count > 1 else {
      return [
        cells(first.name, first.rate, first.prevalence) + first.measured.cells
          + [.text(first.training), "one run"]
      ]
    }
    let mean =
      cells(
        "best head of each seed", Mean.of(seeds.compactMap(\.rate)),
        Mean.of(seeds.map(\.prevalence)))
      + Measured(spread: seeds.map(\.value)).cells
      + [.text(first.training), .text("mean of \(seeds.count) seeds")]
    return seeds.map { row in
      cells(row.name, row.rate, row.prevalence) + Measured(value: row.value).cells
        + [.text(row.run), "one run"]
    } + [mean]
  }
}
