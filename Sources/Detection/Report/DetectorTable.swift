import Analysis
import Evaluation
import Report

/// Every detector of each language model in numbers; of several seeds their means.
struct DetectorTable {
  let series: ResultSeries
  let command: String

  private static let metrics = [
    ("auroc", "AUROC"), ("auprc", "AUC-PR"), ("auprc_matched", "AUC-PR matched"),
  ]

  /// The head shown for each LM, and every detector of another kind beside it.
  func table() throws -> Table {
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
    // The best head, then the others by name.
    let rows = try DetectorRow.all(
      series, from: "detector",
      """
      d.metric IN ('auroc', 'auprc', 'auprc_matched')
        AND (d.kind <> 'head' OR (d.run_id, d.task, d.name) IN
          (SELECT run_id, task, name FROM best_detector WHERE kind = 'head'))
      ORDER BY shown.group_place, d.task, d.kind <> 'head',
        CASE d.kind WHEN 'head' THEN 0
          ELSE min(d.rowid) OVER (PARTITION BY shown.group_place, d.task, d.name) END, d.rowid
      """)
    for rows in rows.chunks(by: { ["\($0.group)", $0.task, $0.kind == "head" ? "" : $0.name] })
    where rows.contains(where: { $0.metric == "auroc" }) {
      data.append(cells(rows))
    }
    return Table(
      id: "detectors", title: "Detectors: the best head of each LM and all other kinds",
      caption: """
        Intervals are 95 % over subjects; of several seeds the mean, with the lowest and the highest seed. study.sqlite has \
        every head, seed and metric.
        """,
      command: command, data: data)
  }

  /// A detector in all runs of a group that have it.
  private func cells(_ rows: [DetectorRow]) -> [Cell] {
    let first = rows[0]
    let isAlone = series.groups[first.group].runs.count == 1
    let names = Set(rows.map(\.name))
    let seeds = rows.filter { $0.metric == "auroc" }
    let values = Self.metrics.flatMap { metric, _ -> [Cell] in
      let found = rows.filter { $0.metric == metric }
      if isAlone {
        return [Cell(found.first?.value), Cell(found.first?.lower), Cell(found.first?.upper)]
      }
      let values = found.map(\.value)
      return [Cell(Mean.of(values)), Cell(values.min()), Cell(values.max())]
    }
    return [
      .text(isAlone ? first.model : "\(first.size), \(first.training)"),
      .text(first.task), .text(first.kind),
      .text(names.count == 1 ? first.name : "best head of each seed"),
      names.count == 1 ? .integer(first.parameters) : .missing,
      Cell(Mean.of(seeds.map(\.prevalence))),
    ] + values + [.integer(seeds.reduce(0) { $0 + $1.examples }), .integer(seeds.count)]
  }
}
