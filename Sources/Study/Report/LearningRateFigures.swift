import Analysis
import Evaluation
import LabCore
import LanguageModel
import Report
import Training

/// Figures and the table of a sweep over learning rates.
struct LearningRateFigures {
  let series: ResultSeries
  let command: String
  /// Fewer learning rates make no curve.
  private static let leastRateCount = 3

  /// Groups that differ in their learning rate alone, of models trained at several.
  private var sweeps: [[RunGroup]] {
    series.allGroups.grouped(by: \.cell).map(\.elements)
      .filter { Set($0.map(\.first.learningRate)).count >= Self.leastRateCount }
      .map { $0.sorted { $0.first.learningRate < $1.first.learningRate } }
  }

  /// Nil where no model was trained at three learning rates.
  func section() -> ReportSection? {
    guard !sweeps.isEmpty else { return nil }
    var blocks: [Block] = [.figure(loss())]
    if let rates = hallucination() { blocks.append(.figure(rates)) }
    if let sensitivity = sensitivity() { blocks.append(.figure(sensitivity)) }
    blocks.append(.table(table()))
    blocks += WidthTransfer(sweeps, series, command: command, trial: trial).blocks()
    return ReportSection("Learning rate", blocks)
  }

  /// Final loss against learning rate for each size.
  private func loss() -> Figure {
    var data = Records(Self.columns("loss", "Cross entropy (nats)", .number(digits: 3)))
    for group in sweeps.joined() {
      let runs = group.runs.compactMap { run in trial(run).map { (run, $0.boundedLoss) } }
      guard let mean = Mean.of(runs.map(\.1)) else { continue }
      let endings = Set(runs.map { ending($0.0) })
      data.append(
        row(
          group, Measured(value: mean, lower: runs.map(\.1).min(), upper: runs.map(\.1).max()),
          endings.count == 1 ? endings.first ?? "" : "some seeds diverged"))
    }
    return Figure(
      id: "loss-vs-learning-rate", title: "Loss against learning rate",
      caption: """
        Mean next-token loss over the last epoch, at most that of the first batch before any update: where \
        training diverged, or ended worse than it began, the point is there. Bars, if any, are the range over seeds.
        """,
      command: command, data: data, x: Self.axis,
      y: Axis("loss", "Cross entropy (nats)"), color: Channel("size", "Size", palette: .ordered),
      shape: Channel("ending", "Ending"), panel: panel, marks: marks, tooltip: tooltip("loss"))
  }

  /// Hallucination rate on taught queries against learning rate; nil where nothing was evaluated.
  private func hallucination() -> Figure? {
    var data = Records(Self.columns("rate", "Hallucination rate", .percent(digits: 1)))
    for group in sweeps.joined() {
      let rates = group.runs.compactMap { series.rate($0, "fvs")?.rate }
      guard let mean = Mean.of(rates) else { continue }
      data.append(
        row(group, Measured(value: mean, lower: rates.min(), upper: rates.max()), "complete"))
    }
    guard !data.rows.isEmpty else { return nil }
    return Figure(
      id: "rate-vs-learning-rate", title: "Hallucination rate against learning rate",
      caption: """
        Exact rate at temperature 1 on fully visible queries. What diverged has none. Bars, if any, are the range over seeds.\(series.cutWords)
        """,
      command: command, data: data, x: Self.axis,
      y: Axis("rate", "Hallucination rate", includesZero: true, format: .percent(digits: 0)),
      color: Channel("size", "Size", palette: .ordered), panel: panel, marks: marks,
      tooltip: tooltip("rate"))
  }

  /// Sensitivity against size for each variant; nil with one size.
  private func sensitivity() -> Figure? {
    guard Set(sweeps.compactMap { $0.first?.size }).count > 1 else { return nil }
    var data = Records([
      Column("training", "Training"), Column("size", "Size"),
      Column("non_embedding_parameters", "Non-embedding parameters", .integer),
      Column("sensitivity", "Sensitivity (nats)", .number(digits: 3)),
    ])
    for sweep in sweeps {
      guard let first = sweep.first, let result = sensitivity(of: sweep) else { continue }
      data.append([
        .text(series.training(first.first)), .text(first.first.size),
        .integer(first.first.nonEmbeddingParameters), .number(result.value),
      ])
    }
    return Figure(
      id: "sensitivity-vs-size", title: "Sensitivity to the learning rate against model size",
      caption: """
        Mean over the learning rates tried of how far the loss, at most that before training, lies above the \
        best one (arXiv 2309.14322).
        """,
      command: command, data: data,
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("sensitivity", "Sensitivity (nats)", includesZero: true),
      color: Channel("training", "Training"), tooltip: ["size", "training", "sensitivity"])
  }

  private func table() -> Table {
    var data = Records([
      Column("size", "Size"), Column("training", "Training"),
      Column("sensitivity", "Sensitivity (nats)", .number(digits: 3)),
      Column("best_learning_rate", "Best learning rate", .number(digits: 4)),
      Column("best_loss", "Its loss (nats)", .number(digits: 3)),
      Column("lowest_rate", "From", .number(digits: 4)),
      Column("highest_rate", "To", .number(digits: 4)),
      Column("rates", "Learning rates", .integer), Column("diverged", "Diverged", .integer),
      Column("default_learning_rate", "Tried nearest the default", .number(digits: 4)),
      Column("default_excess", "Its loss above the best", .percent(digits: 1)),
      Column("default_fvs_rate", "Its FVS rate", .percent(digits: 1)),
      Column("lowest_fvs_rate", "Lowest FVS rate", .percent(digits: 1)),
    ])
    for sweep in sweeps {
      guard let first = sweep.first?.first, let last = sweep.last?.first,
        let result = sensitivity(of: sweep)
      else { continue }
      data.append(
        [
          .text(first.size), .text(series.training(first)), .number(result.value),
          .number(result.bestLearningRate), .number(result.bestLoss), .number(first.learningRate),
          .number(last.learningRate), .integer(result.rateCount), .integer(result.divergedCount),
        ] + usual(sweep, best: result.bestLoss))
    }
    return Table(
      id: "learning-rate-sensitivity", title: "Sensitivity to the learning rate",
      caption: """
        Only equal ranges of learning rates compare. A training that diverged counts with its loss before the \
        first update. Where a rate within a tenth of the size's default was tried, the last columns say how far its loss is above \
        the lowest, as a share, and what rates of hallucination they reach.
        """,
      command: command, data: data)
  }

  // MARK: Parts

  /// What the rate nearest the default of the size reaches, beside the best; missing where none
  /// tried is near it.
  private func usual(_ sweep: [RunGroup], best: Double) -> [Cell] {
    let rates = sweep.compactMap { group in
      Mean.of(group.runs.compactMap { series.rate($0, "fvs")?.rate })
    }
    let usual = (try? ModelSize(named: sweep[0].first.size)).map {
      LearningRateRule.shapeAndSteps.peak(
        of: TrainingRequest.usual.training,
        for: $0.configuration(vocabularySize: 1, contextLength: 1), steps: sweep[0].first.steps)
    }
    func distance(_ group: RunGroup) -> Double {
      usual.map { abs(group.first.learningRate / $0 - 1) } ?? .infinity
    }
    guard
      let group = sweep.min(by: { distance($0) < distance($1) }), distance(group) < 0.1,
      let loss = Mean.of(group.runs.compactMap(trial).map(\.boundedLoss))
    else { return [.missing, .missing, .missing, Cell(rates.min())] }
    return [
      .number(group.first.learningRate), .number(loss / best - 1),
      Cell(Mean.of(group.runs.compactMap { series.rate($0, "fvs")?.rate })), Cell(rates.min()),
    ]
  }

  private func trial(_ run: RunRow) -> LearningRateTrial? {
    guard let initial = run.initialCrossEntropy ?? run.crossEntropy else { return nil }
    return LearningRateTrial(
      learningRate: run.learningRate, initialLoss: initial, finalLoss: run.crossEntropy)
  }

  private func sensitivity(of sweep: [RunGroup]) -> LearningRateSensitivity? {
    LearningRateSensitivity(sweep.flatMap(\.runs).compactMap(trial))
  }

  private func ending(_ run: RunRow) -> String { run.crossEntropy == nil ? "diverged" : "complete" }

  private static func columns(
    _ name: String, _ title: String, _ format: ColumnFormat
  ) -> [Column] {
    [
      Column("training", "Training"), Column("size", "Size"),
      Column("learning_rate", "Learning rate", .number(digits: 4)), Column(name, title, format),
      Column("lower", "Lower", format), Column("upper", "Upper", format),
      Column("ending", "Ending"),
    ]
  }

  private func row(_ group: RunGroup, _ value: Measured, _ ending: String) -> [Cell] {
    let spread = group.runs.count > 1 ? value : Measured(value: value.value)
    return [
      .text(series.training(group.first)), .text(group.first.size),
      .number(group.first.learningRate),
    ] + spread.cells + [.text(ending)]
  }

  private static let axis = Axis("learning_rate", "Peak learning rate", scale: .log)

  private var marks: [Mark] {
    [.interval(low: "lower", high: "upper"), .line(by: ["size"]), .points]
  }

  private var panel: Channel? {
    Set(sweeps.compactMap { $0.first.map { series.training($0.first) } }).count > 1
      ? Channel("training", "Training") : nil
  }

  private func tooltip(_ value: String) -> [String] {
    ["size", "training", "learning_rate", value, "lower", "upper", "ending"]
  }
}
