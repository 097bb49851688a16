import Analysis
import Evaluation
import Report

/// The figures of detectors.
struct DetectionFigures {
  let series: ResultSeries
  let detectors: DetectorResults
  let command: String

  static let tasks = ["sentence", "token"]

  private static let columns = [
    Column("task", "Task"), Column("detector", "Detector"), Column("size", "Size of the LM"),
    Column("training", "Training"),
    Column("lm_rate", "LM's hallucination rate", .percent(digits: 1)),
    Column("prevalence", "Prevalence", .percent(digits: 1)),
  ]

  /// AUC-PR of the best head of each task against the LM's rate, with its chance level.
  func auprc() -> Figure {
    Figure(
      id: "auprc-vs-rate", title: "Detection (AUC-PR) against the LM's hallucination rate",
      caption: """
        For each language model the head of highest AUROC on the validation part. AUC-PR of a detector that knows nothing is the \
        prevalence, the grey line: it falls with the rate, so a fall of AUC-PR alone doesn't show that \
        hallucinations became harder to detect. Grey points are those of arXiv 2408.07852, read from its figure.
        """,
      command: command, data: auprcRecords(),
      x: rateAxis, y: Axis("value", "AUC-PR", domain: 0...1),
      color: Channel("task", "Task"), marks: marks, rules: [Rule(.identity, "chance")],
      tooltip: Self.tooltip, muted: Self.tasks.map(Self.published))
  }

  /// The same for metrics whose chance level does not move with prevalence.
  func prevalenceFree() -> Figure {
    Figure(
      id: "prevalence-free-vs-rate",
      title: "Detection free of prevalence against the LM's hallucination rate",
      caption: """
        AUROC, and AUC-PR after weighting both classes equally. Chance is 0.5 for both at every rate, so \
        these say whether hallucinations become *harder* to detect rather than rarer.
        """,
      command: command,
      data: records(
        [("auroc", "AUROC"), ("auprc_matched", "AUC-PR at matched prevalence (50 %)")],
        panels: true),
      x: rateAxis, y: Axis("value", "Value", domain: 0.4...1),
      color: Channel("task", "Task"), panel: Channel("metric", "Metric"), marks: marks,
      rules: [Rule(.horizontal(0.5), "chance")], tooltip: ["metric"] + Self.tooltip)
  }

  /// AUROC of every head against its number of parameters, a colour for each LM; nil with one head only.
  func byDetectorSize() -> Figure? {
    var data = Records(
      [
        Column("panel", "Task and training"), Column("size", "Size of the LM"),
        Column("detector", "Detector"),
        Column("detector_parameters", "Detector parameters", .integer),
      ] + ResultSeries.columns("auroc", "AUROC", .number(digits: 3)))
    var names: Set<String> = []
    for training in trainings {
      for task in Self.tasks {
        for group in series.groups where series.training(group.first) == training {
          let heads = heads(group, task)
          names.formUnion(heads.map(\.name))
          for head in heads {
            let rows = series.rows(
              group,
              { run in detectors.metric("auroc", run.id, task, head.name).map(Measured.init) },
              { run in
                [
                  .text("\(Self.title(task)), \(training)"), .text(run.size), .text(head.name),
                  .integer(head.parameters),
                ]
              })
            // Of several seeds their mean with its range.
            if let row = rows.last { data.append(row) }
          }
        }
      }
    }
    guard names.count > 1 else { return nil }
    return Figure(
      id: "detector-size", title: "Detection against detector size",
      caption: """
        AUROC of every head on each language model, with 95 % intervals over subjects; where there are several seeds \
        their mean, with bars from the lowest seed to the highest.
        """,
      command: command, data: data,
      x: Axis("detector_parameters", "Detector parameters", scale: .log, format: .count),
      y: Axis("auroc", "AUROC", domain: 0.4...1),
      color: Channel("size", "Size of the LM", palette: .ordered),
      panel: Channel("panel", "Task and training"),
      marks: [.interval(low: "lower", high: "upper"), .line(), .points],
      rules: [Rule(.horizontal(0.5), "chance")],
      tooltip: [
        "panel", "size", "detector", "detector_parameters", "auroc", "lower", "upper", "kind",
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

  /// AUC-PR of the best heads, then the published points.
  private func auprcRecords() -> Records {
    var data = records([("auprc", "AUC-PR")], panels: false)
    for task in Self.tasks {
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

  /// Words for the trainings of the models shown, in their order.
  private var trainings: [String] {
    series.groups.map { series.training($0.first) }.reduce(into: []) { list, words in
      if !list.contains(words) { list.append(words) }
    }
  }

  /// The heads of a group's first measured run, smallest first.
  private func heads(_ group: RunGroup, _ task: String) -> [DetectorRow] {
    let all = group.runs.lazy.map {
      detectors.all($0.id, task).filter(DetectorFamily.heads.contains)
    }
    return (all.first { !$0.isEmpty } ?? []).sorted { $0.parameters < $1.parameters }
  }

  /// The best head of each run; of several seeds also the means of rate and value, which lines join.
  private func records(_ metrics: [(String, String)], panels: Bool) -> Records {
    var data = Records(
      (panels ? [Column("metric", "Metric")] : []) + Self.columns
        + ResultSeries.columns("value", panels ? "Value" : "AUC-PR", .number(digits: 3)))
    for (metric, label) in metrics {
      for task in Self.tasks {
        for group in series.groups {
          let points = group.runs.compactMap { run -> Point? in
            guard let rate = series.rate(run, "seen"),
              let row = detectors.metric(metric, of: .heads, run.id, task)
            else { return nil }
            return Point(run: run, rate: rate.rate, row: row)
          }
          let lead: [Cell] = (panels ? [.text(label)] : []) + [.text(Self.title(task))]
          for row in rows(points) { data.append(lead + row) }
        }
      }
    }
    return data
  }

  private struct Point {
    let run: RunRow
    let rate: Double
    let row: DetectorRow
  }

  /// A row for each point of a group, with its interval where it is the only one, then the mean of several.
  private func rows(_ points: [Point]) -> [[Cell]] {
    guard let first = points.first else { return [] }
    let training = series.training(first.run)
    func cells(_ detector: String, _ rate: Double?, _ prevalence: Double?) -> [Cell] {
      [
        .text(detector), .text(first.run.size), .text(training), Cell(rate), Cell(prevalence),
      ]
    }
    guard points.count > 1 else {
      return [
        cells(first.row.name, first.rate, first.row.prevalence) + Measured(first.row).cells
          + [.text(training), "one run"]
      ]
    }
    let values = points.map(\.row.value)
    let spread = Measured(value: Mean.of(values) ?? 0, lower: values.min(), upper: values.max())
    let mean =
      cells(
        "best head of each seed", Mean.of(points.map(\.rate)),
        Mean.of(points.map(\.row.prevalence)))
      + spread.cells + [.text(training), .text("mean of \(points.count) seeds")]
    return points.map { point in
      cells(point.row.name, point.rate, point.row.prevalence)
        + Measured(value: point.row.value).cells + [.text(point.run.id), "one run"]
    } + [mean]
  }
}
