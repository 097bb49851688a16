import Analysis
import Evaluation
import Report

/// Every detector of each language model in numbers; of several seeds their means.
struct DetectorTable {
  let series: ResultSeries
  let detectors: DetectorResults
  let command: String

  private static let metrics = [
    ("auroc", "AUROC"), ("auprc", "AUC-PR"), ("auprc_matched", "AUC-PR matched"),
  ]

  /// The head shown for each LM, and every detector of another kind beside it.
  func table() -> Table {
    var data = Records(
      [
        Column("run", "LM"), Column("task", "Task"), Column("kind", "Kind"),
        Column("detector", "Detector"), Column("parameters", "Parameters", .integer),
        Column("prevalence", "Prevalence", .percent(digits: 1)),
      ]
        + Self.metrics.flatMap { name, title in
          [
            Column(name, title, .number(digits: 3)),
            Column("\(name)_lower", "\(title) lower", .number(digits: 3)),
            Column("\(name)_upper", "\(title) upper", .number(digits: 3)),
          ]
        } + [Column("examples", "Examples", .integer), Column("runs", "Seeds", .integer)])
    for group in series.groups {
      for task in DetectionFigures.tasks {
        for rows in choices(group, task) { data.append(cells(group, task, rows)) }
      }
    }
    return Table(
      id: "detectors", title: "Detectors: the best head of each LM and all other kinds",
      caption: """
        Intervals are 95 % over subjects; of several seeds the mean, with the lowest and the highest seed. study.sqlite has \
        every head, seed and metric.
        """,
      command: command, data: data)
  }

  /// Each detector to show, as its AUROC in all runs of a group that have it: the best head, then the others by name.
  private func choices(_ group: RunGroup, _ task: String) -> [[DetectorRow]] {
    let heads = group.runs.compactMap { detectors.best(.heads, $0.id, task) }
    var order: [String] = []
    var others: [String: [DetectorRow]] = [:]
    for row in group.runs.flatMap({ detectors.all($0.id, task) }) where row.kind != "head" {
      if others[row.name] == nil { order.append(row.name) }
      others[row.name, default: []].append(row)
    }
    return (heads.isEmpty ? [] : [heads]) + order.compactMap { others[$0] }
  }

  private func cells(_ group: RunGroup, _ task: String, _ rows: [DetectorRow]) -> [Cell] {
    let first = rows[0]
    let isAlone = group.runs.count == 1
    let names = Set(rows.map(\.name))
    let values = Self.metrics.flatMap { metric, _ -> [Cell] in
      let found = rows.compactMap { detectors.metric(metric, $0.runID, task, $0.name) }
      if isAlone {
        return [Cell(found.first?.value), Cell(found.first?.lower), Cell(found.first?.upper)]
      }
      let values = found.map(\.value)
      return [Cell(Mean.of(values)), Cell(values.min()), Cell(values.max())]
    }
    return [
      .text(isAlone ? group.first.name : "\(group.first.size), \(series.training(group.first))"),
      .text(task), .text(first.kind),
      .text(names.count == 1 ? first.name : "best head of each seed"),
      names.count == 1 ? .integer(first.parameters) : .missing,
      Cell(Mean.of(rows.map(\.prevalence))),
    ] + values + [.integer(rows.reduce(0) { $0 + $1.exampleCount }), .integer(rows.count)]
  }
}
