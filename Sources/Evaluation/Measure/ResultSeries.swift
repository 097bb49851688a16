import Analysis
import Foundation
package import GRDB
import LabCore
package import Report

/// Runs that differ in their seed only.
package struct RunGroup: Sendable {
  package let runs: [RunRow]

  package var first: RunRow { runs[0] }
  package var size: Double { Double(first.nonEmbeddingParameters) }

  /// Mean loss at the end of the runs that are complete; nil where none is.
  package var crossEntropy: Double? { Mean.of(runs.compactMap(\.crossEntropy)) }

  /// What stays the same in a sweep over learning rates.
  package struct Setting: Hashable, Sendable {
    var graph: String
    var parameters: Int
    var embedding: Int
    var horizon: String
    var fraction: Double
    var variant: String
  }

  package var cell: Setting {
    Setting(
      graph: first.graphID, parameters: first.nonEmbeddingParameters, embedding: first.parameters,
      horizon: first.horizon, fraction: first.fraction, variant: first.variant)
  }

  /// What figures order groups by, those with a compute budget last, by budget; models of one name
  /// whose parameters differ, such as without qk-norm, are of one size.
  private func place(_ sizes: [String: Double]) -> [Double] {
    [
      first.budgetFLOPs ?? 0, first.budgetFLOPs == nil ? first.epochs : 0, first.fraction,
      sizes[first.size] ?? size,
    ]
  }

  /// Groups in order of budget, epochs, fraction and size, else of the study; a group's training
  /// settings are the same.
  static func all(in results: StudyResults) -> [RunGroup] {
    struct Key: Hashable {
      var cell: Setting
      var learningRate: Double
      var precision: String
    }
    let all = results.runs.grouped { run in
      Key(
        cell: RunGroup(runs: [run]).cell, learningRate: run.learningRate, precision: run.precision)
    }
    let groups = all.map { RunGroup(runs: $0.elements) }
    let sizes = Dictionary(groups.map { ($0.first.size, $0.size) }, uniquingKeysWith: min)
    return groups.enumerated().sorted { a, b in
      (a.element.place(sizes) + [Double(a.offset)]).lexicographicallyPrecedes(
        b.element.place(sizes) + [Double(b.offset)])
    }.map(\.element)
  }

  /// One group of each cell: where several learning rates were tried, the one of lowest final loss.
  static func best(of groups: [RunGroup]) -> [RunGroup] {
    var best: [Setting: RunGroup] = [:]
    for group in groups {
      let loss = group.crossEntropy ?? .infinity
      if let present = best[group.cell], (present.crossEntropy ?? .infinity) <= loss { continue }
      best[group.cell] = group
    }
    return groups.filter { best[$0.cell]?.first.id == $0.first.id }
  }
}

/// Looks results up by run, and names series as the report does.
package struct ResultSeries: Sendable {
  package let results: StudyResults
  /// What figures show: where several learning rates were tried, the best of each model.
  package let groups: [RunGroup]
  /// Every group of runs.
  package let allGroups: [RunGroup]
  private let rates: [String: RunRate]
  private let hasFractions: Bool
  /// Id, place of the group and training of each run that figures show, in their order, as JSON.
  private var shown = "[]"

  package init(_ results: StudyResults) throws {
    self.results = results
    allGroups = RunGroup.all(in: results)
    groups = RunGroup.best(of: allGroups)
    hasFractions = Set(results.runs.map(\.fraction)).count > 1
    var rates: [String: RunRate] = [:]
    let rows = try results.rows(
      """
      SELECT run_id, visibility, rate, lower, upper, query_count FROM rate
      WHERE group_kind = 'all' AND method = 'exact' AND temperature = 1
      """)
    for row in rows {
      let value = Measured(
        value: try row.value(2), lower: try row.value(3), upper: try row.value(4))
      rates["\(row[0] as String) \(row[1] as String)"] = RunRate(
        measured: value, queryCount: try row.value(5))
    }
    self.rates = rates
    let runs = groups.enumerated().flatMap { place, group in
      group.runs.map { Shown(run: $0.id, group: place, training: training($0)) }
    }
    shown = String(decoding: try CanonicalJSON.compact(runs), as: UTF8.self)
  }

  private struct Shown: Encodable {
    var run: String
    var group: Int
    var training: String
  }

  /// Rows of a query that may join `shown`: each run of the figures with its `place`, `group_place`
  /// and `training`.
  package func rows(_ sql: String, _ values: [String] = []) throws -> [Row] {
    try results.rows(
      """
      WITH shown AS (
        SELECT key AS place, json_extract(value, '$.run') AS run_id,
          json_extract(value, '$.group') AS group_place,
          json_extract(value, '$.training') AS training
        FROM json_each(?))
      \(sql)
      """, StatementArguments([shown] + values))
  }

  /// The headline rate of a run, exact at temperature 1; nil where it was not measured.
  package func rate(_ run: RunRow, _ visibility: String) -> RunRate? {
    rates["\(run.id) \(visibility)"]
  }

  /// "20 epochs", with the graph and the fraction where there are several, and what else differs
  /// between runs.
  package func training(_ run: RunRow) -> String {
    var words = run.horizon + graph(run)
    if hasFractions { words += ", \(percent(run.fraction)) of the graph" }
    return run.variant.isEmpty ? words : "\(words), \(run.variant)"
  }

  /// ", small" for a run on one of several graphs; empty where there is one.
  package func graph(_ run: RunRow) -> String {
    guard results.graphs.count > 1 else { return "" }
    return results.graphs.first { $0.id == run.graphID }.map { ", \($0.name)" } ?? ""
  }

  /// What a line joins beside runs of one size: those on one graph that were trained alike.
  private func line(_ run: RunRow) -> Cell {
    .text("mean" + graph(run) + (run.variant.isEmpty ? "" : ", \(run.variant)"))
  }

  /// Whether a model was trained at several learning rates, of which figures show the best.
  package var hasRateSweep: Bool { groups.count < allGroups.count }

  /// Whether runs differ in their seed alone.
  package var hasSeveralSeeds: Bool { allGroups.contains { $0.runs.count > 1 } }

  /// Whether figures show more than one training.
  package var hasSeveralTrainings: Bool { Set(groups.map { training($0.first) }).count > 1 }

  /// The markers of a figure whose colours are not trainings: trainings where there are several,
  /// else a run and the mean of seeds.
  package var markers: Channel? {
    if hasSeveralTrainings { return Channel("training", "Training") }
    return hasSeveralSeeds ? Channel("kind", "Point") : nil
  }

  /// "top-k 10, top-p 0.9"; nil where rates are of the whole distribution.
  package var cut: String? {
    let parts = [
      results.topK.map { "top-k \($0)" },
      results.topP.map { "top-p \($0)" },
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// A sentence on the cut for wherever rates are shown, after a space; empty without one.
  package var cutWords: String { cut.map { " Rates are of the distribution cut to \($0)." } ?? "" }

  /// What a cut of the distribution means, at the head of a section; nothing without one.
  package var cutNote: [Block] {
    guard let cut else { return [] }
    return [
      .note(
        """
        Exact and sampled rates of this study are not those of the whole distribution: at every token it is cut \
        to \(cut) before anything is drawn, and an answer with a token that is cut off has probability 0. Greedy \
        answers are as without the cut, and detectors judge answers of the whole distribution.
        """)
    ]
  }

  /// Which runs figures show, after a space; empty where all.
  package var choiceWords: String {
    hasRateSweep ? " Of several learning rates that of lowest final loss is shown." : ""
  }

  /// What figures of rates add to their captions.
  package var captionWords: String {
    choiceWords
      + (hasSeveralSeeds
        ? " The bars of a mean of seeds go from the lowest seed to the highest." : "")
  }

  private func percent(_ share: Double) -> String {
    Cell.number(share * 100).plain + " %"
  }

  /// The largest number of epochs of any run.
  package var longestEpochs: Double? { results.runs.map(\.epochs).max() }

  /// Rows for one measurement of the runs of a group: the runs', then their mean and range where
  /// there are several.
  ///
  /// `value` is nil where a run was not measured. `cells` are those before and after the value: the
  /// row's last cells are value, lower, upper, series and kind.
  package func rows(
    _ group: RunGroup, _ value: (RunRow) -> Measured?, _ cells: (RunRow) -> [Cell]
  ) -> [[Cell]] {
    let measured = group.runs.compactMap { run in value(run).map { (run, $0) } }
    guard let first = measured.first?.0 else { return [] }
    let mean = cells(first) + Self.mean(of: measured.map(\.1), on: line(first))
    guard measured.count > 1 else { return [mean] }
    return measured.map { run, value in
      cells(run) + Measured(value: value.value).cells + [.text(run.id), "one run"]
    } + [mean]
  }

  /// The last cells of a row for all runs of a group: the value of one with its interval, or the
  /// mean of several with their range.
  package static func mean(of measured: [Measured], on line: Cell = "mean") -> [Cell] {
    guard measured.count != 1 else { return measured[0].cells + [line, "one run"] }
    return Measured(spread: measured.map(\.value)).cells
      + [line, .text("mean of \(measured.count) seeds")]
  }

  /// The columns that `rows` adds after its cells.
  package static func columns(
    _ name: String, _ title: String, _ format: ColumnFormat
  ) -> [Report.Column] {
    [
      Column(name, title, format), Column("lower", "Lower", format),
      Column("upper", "Upper", format), Column("series", "Series"), Column("kind", "Point"),
    ]
  }
}

/// The exact rate of a run on a set of queries.
package struct RunRate: Sendable {
  package let measured: Measured
  package let queryCount: Int

  package var rate: Double { measured.value }
}

/// A value with its interval, if it has one.
package struct Measured: Hashable, Sendable {
  package var value: Double
  package var lower: Double?
  package var upper: Double?

  package init(value: Double, lower: Double? = nil, upper: Double? = nil) {
    self.value = value
    self.lower = lower
    self.upper = upper
  }

  /// The mean of several values with their range.
  package init(spread values: [Double]) {
    self.init(value: Mean.of(values) ?? 0, lower: values.min(), upper: values.max())
  }

  package var cells: [Cell] { [.number(value), Cell(lower), Cell(upper)] }
}

/// The words for the sets of queries.
package enum VisibilityWords {
  package static let all = [
    ("fvs", "FVS: every answer trained on"), ("pvs", "PVS: some answers held out"),
    ("ivs", "IVS: never trained on"),
  ]
  /// SQL that puts the sets of a column in their order.
  package static func order(_ column: String) -> String {
    "instr('fvs pvs ivs seen', \(column))"
  }

  package static let seenAndUnseen = [
    ("seen", "Seen: trained on (FVS and PVS)"), ("ivs", "Unseen: never trained on (IVS)"),
  ]
}
