import Analysis
import Foundation
import Report

/// Runs that differ in their seed only.
struct RunGroup {
  let runs: [RunRow]

  var first: RunRow { runs[0] }
  var size: Double { Double(first.nonEmbeddingParameters) }

  /// Groups in order of epochs, fraction and size, with the same training settings.
  static func all(in results: StudyResults) -> [RunGroup] {
    struct Key: Hashable {
      var graph: String
      var parameters: Int
      var embedding: Int
      var epochs: Int
      var fraction: Double
      var learningRate: Double
    }
    var groups: [Key: [RunRow]] = [:]
    var order: [Key] = []
    for run in results.runs {
      let key = Key(
        graph: run.graphID, parameters: run.nonEmbeddingParameters, embedding: run.parameters,
        epochs: run.epochs, fraction: run.fraction, learningRate: run.learningRate)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(run)
    }
    let sorted = order.enumerated().sorted { a, b in
      (a.element.epochs, a.element.fraction, a.element.parameters, a.offset)
        < (b.element.epochs, b.element.fraction, b.element.parameters, b.offset)
    }
    return sorted.compactMap { groups[$0.element].map(RunGroup.init) }
  }
}

/// Looks results up by run, and names series as the report does.
struct ResultSeries {
  let results: StudyResults
  let groups: [RunGroup]
  private let rates: [String: RateRow]
  private let hasFractions: Bool

  init(_ results: StudyResults) {
    self.results = results
    groups = RunGroup.all(in: results)
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

  /// "20 epochs", with the fraction where several are trained on.
  func training(_ run: RunRow) -> String {
    let epochs = "\(run.epochs) epoch\(run.epochs == 1 ? "" : "s")"
    return hasFractions ? "\(epochs), \(percent(run.fraction)) of the graph" : epochs
  }

  private func percent(_ share: Double) -> String {
    let value = share * 100
    return value == value.rounded() ? "\(Int(value)) %" : "\(value) %"
  }

  /// The largest number of epochs that some run of each of the most sizes has.
  var longestEpochs: Int? { results.runs.map(\.epochs).max() }

  /// Rows for one measurement of the runs of a group: the runs', then their mean where there are several.
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
    let mean = Mean.of(measured.map(\.1.value)) ?? 0
    let meanRow = cells(first) + Measured(value: mean).cells
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
