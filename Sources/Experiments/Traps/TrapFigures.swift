import Corpus
import Evaluation
import Report

/// A study's traps in its report.
struct TrapFigures {
  let series: ResultSeries
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)
  private static let parameters = Column(
    "non_embedding_parameters", "Non-embedding parameters", .integer)

  /// One value of one group of questions, by run.
  private struct Line {
    let task: String
    /// "trap", "plain", or the exposures of the stored facts.
    let label: String
    let values: [String: Measured]
  }

  /// The section; none where no trap was asked.
  func sections() throws -> [ReportSection] {
    let accuracies = try lines("accuracy", "c.group_kind = 'all'", label: "c.variant")
    let losses = try lines("loss", "c.group_kind = 'all'", label: "c.variant")
    guard !accuracies.isEmpty else { return [] }
    let tasks = accuracies.map(\.task).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    var blocks = tasks.flatMap { task -> [Block] in
      let cause = Trap(rawValue: task).map { " (\($0.cause.rawValue))" } ?? ""
      return [
        .figure(
          figure(
            "\(task)-accuracy", "\(task)\(cause): accuracy against model size",
            accuracies.filter { $0.task == task }, isAccuracy: true)),
        .figure(
          figure(
            "\(task)-loss", "\(task)\(cause): classification loss against model size",
            losses.filter { $0.task == task }, isAccuracy: false)),
      ]
    }
    let exposed = try lines(
      "accuracy", "c.group_kind = 'exposure' AND c.variant = 'trap'", label: "c.group_value")
    if Set(exposed.map(\.label)).count > 1 { blocks.append(.figure(byExposure(exposed))) }
    return [ReportSection("Traps", blocks)]
  }

  /// Lines of a column of `choice_result`, in the order in which they are first stored.
  private func lines(_ column: String, _ condition: String, label: String) throws -> [Line] {
    var order: [[String]] = []
    var values: [[String]: [String: Measured]] = [:]
    let rows = try series.results.rows(
      """
      SELECT c.task, \(label), c.run_id, c.\(column), c.\(column)_lower, c.\(column)_upper
      FROM choice_result c JOIN run ON run.id = c.run_id WHERE \(condition)
      ORDER BY run.rowid, c.rowid
      """)
    for row in rows {
      let key: [String] = [try row.value(0), try row.value(1)]
      if values[key] == nil { order.append(key) }
      values[key, default: [:]][try row.value(2)] = Measured(
        value: try row.value(3), lower: try row.value(4), upper: try row.value(5))
    }
    return order.map { Line(task: $0[0], label: $0[1], values: values[$0] ?? [:]) }
  }

  private func records(_ lines: [Line], _ title: String, _ format: ColumnFormat) -> Records {
    var data = Records(
      [
        Column("task", "Task"), Column("label", "Questions"), Column("training", "Training"),
        Column("size", "Size"), Self.parameters,
      ] + ResultSeries.columns("value", title, format))
    for line in lines {
      for group in series.groups {
        let rows = series.rows(group) {
          line.values[$0.id]
        } _: { run in
          [
            .text(line.task), .text(line.label), .text(series.training(run)), .text(run.size),
            .integer(run.nonEmbeddingParameters),
          ]
        }
        rows.forEach { data.append($0) }
      }
    }
    return data
  }

  private func figure(
    _ id: String, _ title: String, _ lines: [Line], isAccuracy: Bool
  ) -> Figure {
    let words = isAccuracy ? "Accuracy" : "Classification loss in nats"
    let format = isAccuracy ? Self.percent : ColumnFormat.number(digits: 3)
    return Figure(
      id: "trap-\(id)", title: title,
      caption: """
        In *trap* the answer by the rule and the one that memory or the prompt suggests differ; in *plain* they are \
        the same. 95 % intervals over subjects.\(series.captionWords)
        """,
      command: command, data: records(lines, words, format),
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("value", words, domain: isAccuracy ? 0...1 : nil, includesZero: true, format: format),
      color: Channel("label", "Questions"), shape: Channel("training", "Training"),
      marks: marks, rules: isAccuracy ? [Rule(.horizontal(0.5), "a guess")] : [],
      tooltip: ["size", "label", "training", "value", "lower", "upper", "kind"])
  }

  private func byExposure(_ lines: [Line]) -> Figure {
    Figure(
      id: "traps-by-exposure", title: "Accuracy in traps by how often the stored fact is presented",
      caption: """
        Presentations in one epoch of the fact that the rule goes against. 95 % intervals over \
        subjects.\(series.captionWords)
        """,
      command: command, data: records(lines, "Accuracy", Self.percent),
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("value", "Accuracy", domain: 0...1, format: .percent(digits: 0)),
      color: Channel("label", "Presentations", palette: .ordered), panel: Channel("task", "Task"),
      marks: marks, rules: [Rule(.horizontal(0.5), "a guess")],
      tooltip: ["task", "size", "label", "training", "value", "lower", "upper", "kind"])
  }

  private var marks: [Mark] {
    [.interval(low: "lower", high: "upper"), .line(by: ["label", "training", "series"]), .points]
  }
}
