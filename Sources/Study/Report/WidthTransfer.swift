import Analysis
import Evaluation
import Foundation
import LabCore
import LanguageModel
import Report
import Training

/// How the best learning rate follows the width in each arm of a study, what was expected of it,
/// and which arm is better.
struct WidthTransfer {
  /// The sweeps over learning rates of models that differ in their width alone.
  private struct Arm {
    let first: RunRow
    let training: String
    let layers: Int
    /// All trainings of a width.
    var trials: [Int: [LearningRateTrial]] = [:]

    /// What else must be alike in arms that are compared.
    var place: String { "\(first.graphID) \(first.horizon) \(first.fraction) \(layers)" }

    /// Optimiser, parameterisation and alignment, where the file says.
    var recipe: [String?] { [first.optimizer, first.parameterization, first.alignment] }
  }

  private let arms: [Arm]
  private let command: String

  private static let number = ColumnFormat.number(digits: 2)
  private static let loss = ColumnFormat.number(digits: 3)

  /// Of the groups of each sweep, in order of learning rate; `trial` is what one run comes to.
  init(
    _ sweeps: [[RunGroup]], _ series: ResultSeries, command: String,
    trial: (RunRow) -> LearningRateTrial?
  ) {
    let single = sweeps.compactMap { sweep -> Arm? in
      guard let first = sweep.first?.first, let size = try? ModelSize(named: first.size) else {
        return nil
      }
      return Arm(
        first: first, training: series.training(first), layers: size.layerCount,
        trials: [size.modelDimension: sweep.flatMap(\.runs).compactMap(trial)])
    }
    arms = single.grouped { "\($0.place) \($0.first.variant)" }.map { _, alike in
      var arm = alike[0]
      for other in alike.dropFirst() { arm.trials.merge(other.trials, uniquingKeysWith: +) }
      return arm
    }.filter { $0.trials.count > 1 }
    self.command = command
  }

  /// Nothing where no two widths have the same depth.
  func blocks() -> [Block] {
    guard let transfer = transfer() else { return [] }
    return [.figure(bestRates()), .table(transfer)] + (comparison().map { [.table($0)] } ?? [])
  }

  // MARK: The best rate

  private func bestRates() -> Figure {
    var data = Records([
      Column("optimizer", "Optimiser"), Column("training", "Training"),
      Column("layers", "Layers", .integer), Column("width", "Width", .integer),
      Column("best_rate", "Best learning rate", .number(digits: 4)),
      Column("place", "Best rate"), Column("best_loss", "Lowest loss", Self.loss),
    ])
    for arm in arms {
      for (width, trials) in arm.trials.sorted(by: { $0.key < $1.key }) {
        guard let best = LearningRateTransfer.bestRate(trials) else { continue }
        data.append([
          .text(arm.first.optimizer ?? "not known"), .text(arm.training), .integer(arm.layers),
          .integer(width), .number(best.rate),
          .text(best.isEdge ? "at the edge of those tried" : "between those tried"),
          Cell(LearningRateSensitivity(trials)?.bestLoss),
        ])
      }
    }
    return Figure(
      id: "best-rate-vs-width", title: "Best learning rate against width",
      caption: """
        A level line is transfer. A best rate is the vertex of the parabola through the lowest loss and its two neighbours in log rate, \
        or a rate at the edge of those tried, where the true one may lie beyond. The table below has the exponents.
        """,
      command: command, data: data, x: Axis("width", "Width", scale: .log, format: .count),
      y: Axis("best_rate", "Best learning rate", scale: .log),
      color: Channel("training", "Training"), shape: Channel("place", "Best rate"),
      panel: Set(arms.map(\.first.optimizer)).count > 1
        ? Channel("optimizer", "Optimiser") : nil,
      marks: [.line(by: ["training", "layers"]), .points], tooltip: data.columns.map(\.name))
  }

  private func transfer() -> Table? {
    var data = Records([
      Column("training", "Training"), Column("layers", "Layers", .integer),
      Column("widths", "Widths", .integer), Column("narrowest", "From", .integer),
      Column("widest", "To", .integer), Column("exponent", "Exponent", Self.number),
      Column("lower", "Lower", Self.number), Column("upper", "Upper", Self.number),
      Column("expected_low", "Expected from", Self.number),
      Column("expected_high", "Expected to", Self.number), Column("verdict", "Verdict"),
      Column("at_edge", "Best at an edge", .integer), Column("diverged", "Diverged", .integer),
      Column("first_diverged", "Lowest that diverged", .number(digits: 4)),
      Column("widest_loss", "Best loss of the widest", Self.loss),
    ])
    for arm in arms {
      guard let fit = LearningRateTransfer.fit(arm.trials), let widest = arm.trials.keys.max()
      else { continue }
      let isBetween = fit.edgeCount == 0
      let expected = Self.expected(arm.first)
      let diverged = arm.trials.values.joined().filter { $0.finalLoss == nil }
      data.append([
        .text(arm.training), .integer(arm.layers), .integer(arm.trials.count),
        .integer(arm.trials.keys.min() ?? 0), .integer(widest),
        Cell(fit.edgeCount < fit.slope.count ? fit.slope.value : nil),
        Cell(isBetween ? fit.slope.interval?.low : nil),
        Cell(isBetween ? fit.slope.interval?.high : nil), Cell(expected?.lowerBound),
        Cell(expected?.upperBound),
        expected.map { .text(fit.verdict(expecting: $0).rawValue) } ?? .missing,
        .integer(fit.edgeCount), .integer(diverged.count),
        Cell(diverged.map(\.learningRate).min()),
        Cell(LearningRateSensitivity(arm.trials[widest] ?? [])?.bestLoss),
      ])
    }
    guard !data.rows.isEmpty else { return nil }
    return Table(
      id: "learning-rate-transfer", title: "How the best learning rate follows the width",
      caption: """
        The exponent of the width in the best rate at one depth: 0 is transfer. A best rate is the vertex of the parabola through \
        the lowest loss and its two neighbours in log rate, or a rate at the edge of those tried, where the true one may lie beyond. \
        Intervals are 95 % t intervals over widths; they cover neither seeds nor graphs, and are not given for two widths \
        or where a best rate is at an edge; where all are, there is no exponent. Expected are 0 of rates by layer \
        that assume full alignment, -1/2 to 0 of those that assume none, and of one rate for all layers what its most restrictive layer needs \
        (arXiv 2407.05872). The verdict is *open* where the interval is missing or wider than 1, or where a best rate is at an edge and all that \
        is known of it is a side.
        """,
      command: command, data: data)
  }

  /// The exponents that theory expects of the best rate; nil where it says nothing or the file
  /// lacks the recipe.
  private static func expected(_ run: RunRow) -> ClosedRange<Double>? {
    guard let optimizer = run.optimizer.flatMap(OptimizerKind.init),
      let parameterization = run.parameterization.flatMap(Parameterization.init),
      let alignment = run.alignment.flatMap(Alignment.init)
    else { return nil }
    let family = optimizer.family
    guard parameterization != .plain else { return family == .adam ? (-1)...(-1) : nil }
    switch alignment {
    case .full: return 0...0
    case .none: return (-0.5)...0
    case .globalRate:
      let needed = LayerKind.allCases.compactMap {
        parameterization.exponents($0, .full, for: family)?.learningRate
      }.max()
      // 0 - 0 is 0, and -0 would be shown with its sign.
      return needed.map { (0 - $0)...(0 - $0) }
    }
  }

  // MARK: Arms side by side

  private func comparison() -> Table? {
    var data = Records([
      Column("training", "Training"), Column("baseline", "Compared with"),
      Column("widths", "Widths", .integer), Column("loss", "Best loss, difference", Self.loss),
      Column("loss_lower", "Lower", Self.loss), Column("loss_upper", "Upper", Self.loss),
      Column("loss_verdict", "Best loss"),
      Column("growth", "Its change with each doubling", Self.loss),
      Column("growth_lower", "Lower", Self.loss), Column("growth_upper", "Upper", Self.loss),
      Column("sensitivity", "Sensitivity, difference", Self.loss),
      Column("sensitivity_lower", "Lower", Self.loss),
      Column("sensitivity_upper", "Upper", Self.loss), Column("sensitivity_verdict", "Sensitivity"),
    ])
    for (arm, baseline) in pairs() {
      let widths = Set(arm.trials.keys).intersection(baseline.trials.keys).sorted()
      let found = widths.compactMap {
        width -> (width: Int, loss: Double, sensitivity: Double?)? in
        let (a, b) = (arm.trials[width] ?? [], baseline.trials[width] ?? [])
        guard let own = LearningRateSensitivity(a), let other = LearningRateSensitivity(b) else {
          return nil
        }
        let isEqualRange = Set(a.map(\.learningRate)) == Set(b.map(\.learningRate))
        return (
          width, own.bestLoss - other.bestLoss, isEqualRange ? own.value - other.value : nil
        )
      }
      guard found.count > 1, let loss = StudentT.mean(found.map(\.loss)) else { continue }
      let growth = Trend.fit(found.map { (x: log2(Double($0.width)), y: $0.loss) })?.slope
      let sensitivity = StudentT.mean(found.compactMap(\.sensitivity))
      func cells(_ estimate: Estimate?) -> [Cell] {
        [Cell(estimate?.value), Cell(estimate?.interval?.low), Cell(estimate?.interval?.high)]
      }
      func verdict(_ estimate: Estimate?) -> Cell {
        guard let interval = estimate?.interval else { return .text("open") }
        return .text(interval.high < 0 ? "lower" : interval.low > 0 ? "higher" : "open")
      }
      data.append(
        [.text(arm.training), .text(baseline.training), .integer(found.count)] + cells(loss)
          + [verdict(loss)] + cells(growth) + cells(sensitivity) + [verdict(sensitivity)])
    }
    guard !data.rows.isEmpty else { return nil }
    return Table(
      id: "width-comparison", title: "Arms of the width study side by side",
      caption: """
        Differences in the lowest loss and in the sensitivity to the learning rate, arm less the one it is compared with, mean over widths \
        with 95 % t intervals over widths; they cover neither seeds nor graphs. An arm is compared with the study's first of its optimiser, parameterisation \
        and alignment, and that with `standard` of its optimiser and alignment. Sensitivities compare only where both were trained at the \
        same rates. *Its change with each doubling* says whether a difference in loss grows with the width. No allowance is made for the number of rows.
        """,
      command: command, data: data)
  }

  /// Each arm with the one it is to be compared with.
  private func pairs() -> [(arm: Arm, baseline: Arm)] {
    arms.enumerated().compactMap { index, arm in
      guard !arm.recipe.contains(nil) else { return nil }
      let alike = arms.filter { $0.place == arm.place }
      if let first = arms[..<index].first(where: {
        $0.place == arm.place && $0.recipe == arm.recipe
      }) {
        return (arm, first)
      }
      let standard = alike.first {
        $0.recipe == [arm.recipe[0], Parameterization.standard.rawValue, arm.recipe[2]]
      }
      return standard.flatMap { $0.recipe == arm.recipe ? nil : (arm, $0) }
    }
  }
}
