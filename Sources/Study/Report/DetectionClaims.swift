import Analysis
import Evaluation
import Foundation
import Report

/// What is published about detection and scale, held against a study's runs.
///
/// A run is the unit: slopes and means are over language models, seeds included, with t intervals.
struct DetectionClaims {
  let series: ResultSeries
  let detectors: DetectorResults
  let command: String

  /// One claim about some runs, with the number that decides it.
  struct Finding: Equatable {
    var claim: String
    var training: String
    var task: String
    var family: String
    var metric: String
    var estimate: Estimate
    /// Whether the claim says that the number is above zero, or below.
    var isPositive: Bool

    /// "holds" or "reversed" where the interval is on one side of zero, else "open".
    var verdict: String {
      guard let interval = estimate.interval else { return "open" }
      if interval.low > 0 { return isPositive ? "holds" : "reversed" }
      if interval.high < 0 { return isPositive ? "reversed" : "holds" }
      return "open"
    }
  }

  static let metrics = [
    ("auprc", "AUC-PR"), ("auprc_matched", "matched AUC-PR"), ("auroc", "AUROC"),
  ]
  private static let tasks = DetectionFigures.tasks
  /// Those of the figure: as many as there are colours that stay apart.
  private static let drawn = DetectorFamily.all.filter {
    $0.kind != "baseline" && $0.kind != "entropy-probe"
  }

  /// Runs that were trained alike, size and seed aside, where at least three sizes are.
  private var ladders: [(training: String, runs: [RunRow])] {
    var order: [String] = []
    var runs: [String: [RunRow]] = [:]
    for run in series.groups.flatMap(\.runs)
    where !detectors.all(run.id, "sentence").isEmpty
      || !detectors.all(run.id, "token").isEmpty
    {
      let training = series.training(run)
      if runs[training] == nil { order.append(training) }
      runs[training, default: []].append(run)
    }
    return order.compactMap { training in
      let own = runs[training] ?? []
      return Set(own.map(\.nonEmbeddingParameters)).count >= 3 ? (training, own) : nil
    }
  }

  /// All findings: larger detectors, larger language models, sentence against token.
  func findings() -> [Finding] {
    ladders.flatMap { training, runs in
      largerDetectors(training, runs) + largerModels(training, runs)
        + sentenceAndToken(training, runs)
    }
  }

  /// Per run the slope of a metric on the logarithm of the detector's size; then the mean over runs.
  private func largerDetectors(_ training: String, _ runs: [RunRow]) -> [Finding] {
    each(Self.tasks, DetectorFamily.sized) { task, family, metric, title in
      let slopes = runs.compactMap { run -> Double? in
        let points = detectors.all(run.id, task).filter {
          // Other layers and places are no sizes; a model's own weights come in one size alone.
          family.contains($0) && !$0.name.contains("@") && $0.name != "full-own"
        }.compactMap { row in
          detectors.metric(metric, run.id, task, row.name).map {
            (x: log10(Double($0.parameters)), y: $0.value)
          }
        }
        return points.count < 2 ? nil : Trend.fit(points)?.slope.value
      }
      return StudentT.mean(slopes).map {
        Finding(
          claim: "larger detectors are better",
          training: training, task: task, family: family.title, metric: title, estimate: $0,
          isPositive: true)
      }
    }
  }

  /// The slope of a metric on the logarithm of the LM's size over all runs.
  private func largerModels(_ training: String, _ runs: [RunRow]) -> [Finding] {
    each(Self.tasks, DetectorFamily.all) { task, family, metric, title in
      let points = runs.compactMap { run in
        detectors.metric(metric, of: family, run.id, task).map {
          (x: log10(Double(run.nonEmbeddingParameters)), y: $0.value)
        }
      }
      guard points.count > 2 else { return nil }
      return Trend.fit(points).map {
        Finding(
          claim: "larger LMs are harder to judge",
          training: training, task: task, family: family.title, metric: title,
          estimate: $0.slope, isPositive: false)
      }
    }
  }

  /// The mean over runs of a metric in the sentence task less that in the token task.
  private func sentenceAndToken(_ training: String, _ runs: [RunRow]) -> [Finding] {
    each(["sentence"], DetectorFamily.all.filter { $0.kind != "baseline" }) {
      task, family, metric, title in
      let differences = runs.compactMap { run -> Double? in
        guard let sentence = detectors.metric(metric, of: family, run.id, "sentence"),
          let token = detectors.metric(metric, of: family, run.id, "token")
        else { return nil }
        return sentence.value - token.value
      }
      return StudentT.mean(differences).map {
        Finding(
          claim: "sentence beats token",
          training: training, task: "both", family: family.title, metric: title, estimate: $0,
          isPositive: true)
      }
    }
  }

  private func each(
    _ tasks: [String], _ families: [DetectorFamily],
    _ finding: (_ task: String, DetectorFamily, _ metric: String, _ title: String) -> Finding?
  ) -> [Finding] {
    tasks.flatMap { task in
      families.flatMap { family in
        Self.metrics.compactMap { finding(task, family, $0, $1) }
      }
    }
  }

  /// The findings as a table; nil where no training has three sizes with detectors.
  func table() -> Table? {
    let findings = findings()
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
        .text(row.metric), .number(row.estimate.value), Cell(row.estimate.interval?.low),
        Cell(row.estimate.interval?.high), .integer(row.estimate.count), .text(row.training),
      ])
    }
    return Table(
      id: "claims", title: "Published claims, held against these runs",
      caption: """
        *Larger detectors are better* on a fixed language model: the metric's slope on the decimal logarithm of the \
        detector's parameters, mean over models. *Larger LMs are harder to judge*: its slope on that of the model's \
        parameters. *Sentence beats token*: the difference, mean over models. Of the detectors of a family the one of \
        highest AUROC on the validation part counts. Slopes are by least squares, intervals 95 % by Student's t \
        with language models as units. A claim *holds* or is *reversed* where the interval leaves out zero, and is \
        *open* otherwise. AUC-PR falls with prevalence alone; AUROC and matched AUC-PR do not. Intervals are not \
        widened for the number of rows.
        """,
      command: command, data: data)
  }

  /// AUROC against the size of the LM, a colour for each family and a panel for each training and task.
  func bySize() -> Figure? {
    let ladders = ladders
    guard !ladders.isEmpty else { return nil }
    var data = Records(
      [
        Column("panel", "Task and training"), Column("family", "Detectors"),
        Column("detector", "Detector"), Column("size", "Size of the LM"),
        Column("lm_parameters", "LM parameters", .integer),
      ] + ResultSeries.columns("auroc", "AUROC", .number(digits: 3)))
    for (training, _) in ladders {
      for task in Self.tasks {
        for family in Self.drawn {
          for group in series.groups where series.training(group.first) == training {
            let rows = series.rows(
              group,
              { run in
                detectors.metric("auroc", of: family, run.id, task).map(Measured.init)
              },
              { run in
                [
                  .text("\(task) task, \(training)"), .text(family.title),
                  .text(detectors.best(family, run.id, task)?.name ?? ""), .text(run.size),
                  .integer(run.nonEmbeddingParameters),
                ]
              })
            // Of several seeds their mean with its range.
            if let row = rows.last { data.append(row) }
          }
        }
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
