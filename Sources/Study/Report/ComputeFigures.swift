import Analysis
import Evaluation
import Foundation
import Report

/// What one compute budget buys at each size: isoFLOP lines of loss, and the size that each budget
/// is best spent on.
struct ComputeFigures {
  let series: ResultSeries
  let command: String
  /// Fewer sizes make no line with a minimum, and fewer budgets no trend.
  private static let leastCount = 3

  /// Groups trained alike for one number of FLOPs, smallest budget and size first.
  private var budgets: [[RunGroup]] {
    Dictionary(grouping: series.groups.filter { $0.first.budgetFLOPs != nil }) {
      series.training($0.first)
    }.values
      .map { $0.sorted { $0.size < $1.size } }
      .filter { $0.count >= Self.leastCount }
      .sorted {
        ($0[0].first.trainingFLOPs, $0[0].first.id) < ($1[0].first.trainingFLOPs, $1[0].first.id)
      }
  }

  /// Nil with fewer than three budgets of three sizes.
  func section() -> ReportSection? {
    let budgets = budgets
    guard budgets.count >= Self.leastCount else { return nil }
    var blocks: [Block] = [.figure(loss(budgets)), .table(optima(budgets))]
    if let words = growth(budgets) { blocks.insert(.paragraph(Prose(plain: words)), at: 0) }
    return ReportSection("Compute", blocks)
  }

  private func loss(_ budgets: [[RunGroup]]) -> Figure {
    var data = Records(
      [
        Column("training", "Budget"), Column("size", "Size"),
        Column("non_embedding_parameters", "Non-embedding parameters", .integer),
        Column("tokens", "Training tokens", .count), Column("epochs", "Epochs", .number(digits: 2)),
      ] + ResultSeries.columns("loss", "Cross entropy (nats)", .number(digits: 4)))
    for group in budgets.joined() {
      let rows = series.rows(group) { run in
        run.crossEntropy.map { Measured(value: $0) }
      } _: { run in
        [
          .text(series.training(run)), .text(run.size), .integer(run.nonEmbeddingParameters),
          .number(run.trainedTokens), .number(run.epochs),
        ]
      }
      rows.forEach { data.append($0) }
    }
    return Figure(
      id: "loss-by-budget", title: "Loss against model size at equal compute",
      caption: """
        Each line has the models that one number of training FLOPs was spent on (isoFLOP, arXiv 2203.15556): the larger the model, the \
        fewer tokens it saw. Loss is the mean over all next tokens of the last epoch.\(series.captionWords)
        """,
      command: command, data: data,
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("loss", "Cross entropy (nats)"),
      color: Channel("training", "Budget", palette: .ordered),
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["training", "series"]), .points],
      tooltip: ["size", "training", "tokens", "epochs", "loss", "lower", "upper", "kind"])
  }

  private func optima(_ budgets: [[RunGroup]]) -> Table {
    var data = Records([
      Column("training", "Budget"), Column("training_flops", "Training FLOPs", .scientific),
      Column("best_size", "Best size for loss", .count),
      Column("best_tokens", "Its tokens", .count),
      Column("tokens_per_parameter", "Tokens a parameter", .number(digits: 1)),
      Column("best_loss", "Its loss (nats)", .number(digits: 3)),
      Column("best_fvs_size", "Size of lowest FVS rate"),
      Column("lowest_fvs_rate", "FVS rate", .percent(digits: 1)),
      Column("ivs_rate", "IVS rate there", .percent(digits: 1)), Column("note", "Note"),
    ])
    for budget in budgets {
      let optimum = optimum(budget)
      let rates = budget.compactMap { group in
        Mean.of(group.runs.compactMap { series.rate($0, "fvs")?.rate }).map { (group, $0) }
      }
      let lowest = rates.min { $0.1 < $1.1 }
      let unseen = lowest.flatMap { group, _ in
        Mean.of(group.runs.compactMap { series.rate($0, "ivs")?.rate })
      }
      data.append([
        .text(series.training(budget[0].first)), .number(budget[0].first.trainingFLOPs),
        Cell(optimum?.size), Cell(optimum?.tokens), Cell(optimum.map { $0.tokens / $0.size }),
        Cell(optimum?.loss), lowest.map { .text($0.0.first.size) } ?? .missing,
        Cell(lowest?.1), Cell(unseen),
        .text(optimum == nil ? "no minimum between the sizes tried" : ""),
      ])
    }
    return Table(
      id: "best-sizes", title: "Where a budget is best spent",
      caption: """
        Best sizes for loss are minima of a parabola in the logarithm of size through all sizes of the budget, where one lies between the smallest and \
        the largest. Of rates the lowest that was measured is given, on the size that has it.
        """,
      command: command, data: data)
  }

  private struct Optimum {
    var flops: Double
    var size: Double
    var tokens: Double
    var loss: Double
  }

  /// The minimum of the parabola through a budget's losses; nil where it is not between the sizes
  /// tried.
  private func optimum(_ budget: [RunGroup]) -> Optimum? {
    let points = budget.compactMap { group in
      group.crossEntropy.map { (x: log(group.size), y: $0) }
    }
    guard let parabola = Parabola.fit(points), let first = points.first, let last = points.last,
      (first.x...last.x).contains(parabola.vertex)
    else { return nil }
    // Tokens of one budget fall with size as a power of it, embeddings included: interpolated in
    // logarithms.
    let tokens = Trend.fit(budget.map { (x: log($0.size), y: log($0.first.trainedTokens)) })
    return Optimum(
      flops: budget[0].first.trainingFLOPs, size: exp(parabola.vertex),
      tokens: tokens.map { exp($0.intercept + $0.slope.value * parabola.vertex) } ?? .nan,
      loss: parabola.minimum)
  }

  /// How best size and tokens grow with compute; nil with fewer than three budgets that have a best
  /// size, or where budgets differ in more than their FLOPs.
  private func growth(_ budgets: [[RunGroup]]) -> String? {
    let optima = budgets.compactMap(optimum)
    func others(_ run: RunRow) -> [String] { [run.graphID, run.variant, "\(run.fraction)"] }
    guard Set(budgets.map { others($0[0].first) }).count == 1, optima.count >= Self.leastCount,
      let size = Trend.fit(optima.map { (x: log($0.flops), y: log($0.size)) })?.slope,
      let tokens = Trend.fit(optima.map { (x: log($0.flops), y: log($0.tokens)) })?.slope
    else { return nil }
    func words(_ slope: Estimate) -> String {
      let value = String(format: "%.2f", slope.value)
      guard let interval = slope.interval else { return value }
      return value
        + String(format: " (95 %% interval %.2f to %.2f over budgets)", interval.low, interval.high)
    }
    return
      "The best size grows as compute to the power \(words(size)), its tokens to the power \(words(tokens)); "
      + "Hoffmann et al. (arXiv 2203.15556) have 0.5 for both, on texts that are seen once."
  }
}

extension RunRow {
  /// Tokens shown in all, those of repeated epochs included.
  fileprivate var trainedTokens: Double { Double(tokensPerEpoch) * epochs }
}
