import Analysis
import Foundation
import Report

/// Runs that differ in their seed only.
struct RunGroup {
  let runs: [RunRow]

  var first: RunRow { runs[0] }
  var size: Double { Double(first.nonEmbeddingParameters) }

  /// Mean loss at the end of the runs that are complete; nil where none is.
  var crossEntropy: Double? { Mean.of(runs.compactMap(\.crossEntropy)) }

  /// What stays the same in a sweep over learning rates.
  struct Cell: Hashable {
    var graph: String
    var parameters: Int
    var embedding: Int
    var horizon: String
    var fraction: Double
    var variant: String
  }

  var cell: Cell {
    Cell(
      graph: first.graphID, parameters: first.nonEmbeddingParameters, embedding: first.parameters,
      horizon: first.horizon, fraction: first.fraction, variant: first.variant)
  }

  /// Groups in order of epochs, fraction and size, with the same training settings.
  static func all(in results: StudyResults) -> [RunGroup] {
    struct Key: Hashable {
      var cell: Cell
      var learningRate: Double
      var precision: String
    }
    var groups: [Key: [RunRow]] = [:]
    var order: [Key] = []
    for run in results.runs {
      let key = Key(
        cell: RunGroup(runs: [run]).cell, learningRate: run.learningRate, precision: run.precision)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(run)
    }
    let all = order.compactMap { groups[$0].map { RunGroup(runs: $0) } }
    return all.enumerated().sorted { a, b in
      let (x, y) = (a.element.first, b.element.first)
      return (x.epochs, x.fraction, x.nonEmbeddingParameters, a.offset)
        < (y.epochs, y.fraction, y.nonEmbeddingParameters, b.offset)
    }.map(\.element)
  }

  /// One group of each cell: where several learning rates were tried, the one of lowest final loss.
  static func best(of groups: [RunGroup]) -> [RunGroup] {
    var best: [Cell: RunGroup] = [:]
    for group in groups {
      let loss = group.crossEntropy ?? .infinity
      if let present = best[group.cell], (present.crossEntropy ?? .infinity) <= loss { continue }
      best[group.cell] = group
    }
    return groups.filter { best[$0.cell]?.first.id == $0.first.id }
  }
}

/// Looks results up by run, and names series as the report does.
struct ResultSeries {
  let results: StudyResults
  /// What figures show: where several learning rates were tried, the best of each model.
  let groups: [RunGroup]
  /// Every group of runs.
  let allGroups: [RunGroup]
  private let rates: [String: RateRow]
  private let hasFractions: Bool

  init(_ results: StudyResults) {
    self.results = results
    allGroups = RunGroup.all(in: results)
    groups = RunGroup.best(of: allGroups)
    hasFractions = Set(results.runs.map(\.fraction)).count > 1
    var rates: [String: RateRow] = [:]
    for row in results.rates where row.groupKind == "all" {
      rates[Self.key(row.runID, row.method, row.temperature, row.visibility)] = row
    }
    self.rates = rates
  }

  private static func key(
    _ run: String, _ method: String, _ temperature: Double, _ visibility: String
  ) -> String { "\(run) \(method) \(temperature) \(visibility)" }

  /// The headline rate of a run, exact at temperature 1; nil where it was not measured.
  func rate(_ run: RunRow, _ visibility: String) -> RateRow? {
    rate(run, visibility, method: "exact", temperature: 1)
  }

  func rate(
    _ run: RunRow, _ visibility: String, method: String, temperature: Double
  ) -> RateRow? { rates[Self.key(run.id, method, temperature, visibility)] }

  /// "20 epochs", with the fraction where several are trained on, and what else differs between runs.
  func training(_ run: RunRow) -> String {
    var words = run.horizon
    if hasFractions { words += ", \(percent(run.fraction)) of the graph" }
    return run.variant.isEmpty ? words : "\(words), \(run.variant)"
  }

  /// Whether a model was trained at several learning rates, of which figures show the best.
  var hasRateSweep: Bool { groups.count < allGroups.count }

  /// Whether runs differ in their seed alone.
  var hasSeveralSeeds: Bool { allGroups.contains { $0.runs.count > 1 } }

  /// "top-k 10, top-p 0.9"; nil where rates are of the whole distribution.
  var cut: String? {
    let parts = [
      results.topK.map { "top-k \($0)" },
      results.topP.map { "top-p \($0)" },
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// A sentence on the cut for wherever rates are shown, after a space; empty without one.
  var cutWords: String { cut.map { " Rates are of the distribution cut to \($0)." } ?? "" }

  /// What figures of rates add to their captions.
  var captionWords: String {
    (hasRateSweep ? " Of several learning rates that of lowest final loss is shown." : "")
      + (hasSeveralSeeds
        ? " The bars of a mean of seeds go from the lowest seed to the highest." : "")
  }

  private func percent(_ share: Double) -> String {
    Cell.number(share * 100).plain + " %"
  }

  /// The largest number of epochs of any run.
  var longestEpochs: Double? { results.runs.map(\.epochs).max() }

  /// Rows for one measurement of the runs of a group: the runs', then their mean and range where there are several.
  ///
  /// `value` is nil where a run was not measured. `cells` are those before and after the value: the row's
  /// last cells are value, lower, upper, series and kind.
  func rows(
    _ group: RunGroup, _ value: (RunRow) -> Measured?, _ cells: (RunRow) -> [Cell]
  ) -> [[Cell]] {
    let measured = group.runs.compactMap { run in value(run).map { (run, $0) } }
    guard let (first, only) = measured.first else { return [] }
    guard measured.count > 1 else {
      return [cells(first) + only.cells + ["mean", "one run"]]
    }
    let values = measured.map(\.1.value)
    let spread = Measured(
      value: Mean.of(values) ?? 0, lower: values.min(), upper: values.max())
    let meanRow = cells(first) + spread.cells
    return measured.map { run, value in
      cells(run) + Measured(value: value.value).cells + [.text(run.id), "one run"]
    } + [meanRow + ["mean", .text("mean of \(measured.count) seeds")]]
  }

  /// The columns that `rows` adds after its cells.
  static func columns(_ name: String, _ title: String, _ format: ColumnFormat) -> [Column] {
    [
      Column(name, title, format), Column("lower", "Lower", format),
      Column("upper", "Upper", format), Column("series", "Series"), Column("kind", "Point"),
    ]
  }
}

/// A value with its interval, if it has one.
struct Measured {
  var value: Double
  var lower: Double?
  var upper: Double?

  init(value: Double, lower: Double? = nil, upper: Double? = nil) {
    self.value = value
    self.lower = lower
    self.upper = upper
  }

  init?(_ row: RateRow?) {
    guard let row else { return nil }
    self.init(value: row.rate, lower: row.lower, upper: row.upper)
  }

  init(_ row: DetectorRow) { self.init(value: row.value, lower: row.lower, upper: row.upper) }

  var cells: [Cell] { [.number(value), Cell(lower), Cell(upper)] }
}

/// The words for the sets of queries.
enum VisibilityWords {
  static let all = [
    ("fvs", "FVS: every answer trained on"), ("pvs", "PVS: some answers held out"),
    ("ivs", "IVS: never trained on"),
  ]
  static let seenAndUnseen = [
    ("seen", "Seen: trained on (FVS and PVS)"), ("ivs", "Unseen: never trained on (IVS)"),
  ]
}
