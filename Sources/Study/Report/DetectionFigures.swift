import Report

/// The figures of detectors.
struct DetectionFigures {
  let series: ResultSeries
  let command: String

  private var rows: [DetectorRow] { series.results.detectors }

  private static let columns = [
    Column("task", "Task"), Column("detector", "Detector"), Column("size", "Size of the LM"),
    Column("training", "Training"),
    Column("lm_rate", "LM's hallucination rate", .percent(digits: 1)),
    Column("prevalence", "Prevalence", .percent(digits: 1)),
  ]

  /// The trained head of a run that is shown: the one of highest AUROC on its validation part.
  ///
  /// The test part has no say, so that the choice favours no number shown.
  func bestHead(_ run: String, _ task: String) -> DetectorRow? {
    rows.filter { $0.runID == run && $0.task == task && $0.kind == "head" && $0.metric == "auroc" }
      .max { a, b in
        let (first, second) = (a.validationAUROC ?? -1, b.validationAUROC ?? -1)
        return (first, b.parameters) < (second, a.parameters)
      }
  }

  func metric(_ name: String, _ run: String, _ task: String, _ detector: String) -> DetectorRow? {
    rows.first {
      $0.runID == run && $0.task == task && $0.name == detector && $0.metric == name
    }
  }

  /// AUC-PR of the best head of each task against the LM's rate, with its chance level.
  func auprc() -> Figure {
    Figure(
      id: "auprc-vs-rate", title: "Detection (AUC-PR) against the LM's hallucination rate",
      caption: """
        For each language model the head of highest AUROC on the validation part. AUC-PR of a detector that knows nothing is the \
        prevalence, the grey line: it falls with the rate, so a fall of AUC-PR alone doesn't show that \
        hallucinations became harder to detect.
        """,
      command: command, data: records([("auprc", "AUC-PR")], panels: false),
      x: rateAxis, y: Axis("value", "AUC-PR", domain: 0...1),
      color: Channel("task", "Task"), marks: marks, rules: [Rule(.identity, "chance")],
      tooltip: Self.tooltip)
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
    let heads = rows.filter { $0.kind == "head" && $0.metric == "auroc" }
    guard Set(heads.map(\.name)).count > 1 else { return nil }
    var data = Records(
      [
        Column("task", "Task"), Column("lm", "LM"), Column("detector", "Detector"),
        Column("detector_parameters", "Detector parameters", .integer),
        Column("auroc", "AUROC", .number(digits: 3)), Column("lower", "Lower", .number(digits: 3)),
        Column("upper", "Upper", .number(digits: 3)),
      ])
    for task in ["sentence", "token"] {
      for group in series.groups {
        for run in group.runs {
          let own = heads.filter { $0.runID == run.id && $0.task == task }
          for head in own.sorted(by: { $0.parameters < $1.parameters }) {
            data.append([
              .text(Self.title(task)), .text(run.name), .text(head.name),
              .integer(head.parameters), .number(head.value), Cell(head.lower), Cell(head.upper),
            ])
          }
        }
      }
    }
    return Figure(
      id: "detector-size", title: "Detection against detector size",
      caption: "AUROC of every head on each language model, with 95 % intervals over subjects.",
      command: command, data: data,
      x: Axis("detector_parameters", "Detector parameters", scale: .log, format: .count),
      y: Axis("auroc", "AUROC", domain: 0.4...1),
      color: Channel("lm", "LM", palette: .ordered), panel: Channel("task", "Task"),
      marks: [.interval(low: "lower", high: "upper"), .line(), .points],
      rules: [Rule(.horizontal(0.5), "chance")],
      tooltip: ["lm", "detector", "detector_parameters", "auroc", "lower", "upper"])
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

  private func records(_ metrics: [(String, String)], panels: Bool) -> Records {
    var data = Records(
      (panels ? [Column("metric", "Metric")] : []) + Self.columns
        + ResultSeries.columns("value", panels ? "Value" : "AUC-PR", .number(digits: 3)))
    for (metric, label) in metrics {
      for task in ["sentence", "token"] {
        for run in series.groups.flatMap(\.runs) {
          guard let rate = series.rate(run, "seen"), let best = bestHead(run.id, task),
            let row = self.metric(metric, run.id, task, best.name)
          else { continue }
          let value = Measured(value: row.value, lower: row.lower, upper: row.upper)
          data.append(
            (panels ? [.text(label)] : [])
              + [
                .text(Self.title(task)), .text(row.name), .text(run.size),
                .text(series.training(run)), .number(rate.rate), .number(row.prevalence),
              ] + value.cells + ["mean", "one run"])
        }
      }
    }
    return data
  }
}
