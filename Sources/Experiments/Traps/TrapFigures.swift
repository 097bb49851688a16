import Analysis
import Corpus
import Evaluation
import LabCore
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
    var blocks = accuracies.map(\.task).distinct.flatMap { task -> [Block] in
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
    blocks.append(.figure(byCompute(accuracies)))
    let exposed = try lines(
      "accuracy", "c.group_kind = 'exposure' AND c.variant = 'trap'", label: "c.group_value")
    let differ = Set(exposed.map(\.label)).count > 1
    if differ { blocks.append(.figure(byExposure(exposed))) }
    blocks.append(.table(shapes(accuracies)))
    blocks.append(.table(shapeCounts(accuracies, differ ? exposed : [])))
    return [ReportSection("Traps", blocks)]
  }

  /// Lines of a column of `choice_result`, by task and form, and of ascending presentations.
  private func lines(_ column: String, _ condition: String, label: String) throws -> [Line] {
    let rows = try series.results.rows(
      """
      SELECT c.task, \(label), c.run_id, c.\(column), c.\(column)_lower, c.\(column)_upper
      FROM choice_result c JOIN run ON run.id = c.run_id WHERE \(condition)
      ORDER BY c.task, c.variant, CAST(c.group_value AS INTEGER), run.rowid
      """)
    return try rows.grouped { try [$0.value(0, String.self), $0.value(1, String.self)] }
      .map { key, rows in
        let values = try rows.map { row -> (String, Measured) in
          let value = Measured(
            value: try row.value(3), lower: try row.value(4), upper: try row.value(5))
          return (try row.value(2), value)
        }
        return Line(
          task: key[0], label: key[1], values: Dictionary(values, uniquingKeysWith: { $1 }))
      }
  }

  private func records(_ lines: [Line], _ title: String, _ format: ColumnFormat) -> Records {
    var data = Records(
      [
        Column("task", "Task"), Column("label", "Questions"), Column("training", "Training"),
        Column("size", "Size"), Self.parameters,
        Column("training_flops", "Training FLOPs", .scientific),
      ] + ResultSeries.columns("value", title, format))
    for line in lines {
      for group in series.groups {
        let rows = series.rows(group) {
          line.values[$0.id]
        } _: { run in
          [
            .text(line.task), .text(line.label), .text(series.training(run)), .text(run.size),
            .integer(run.nonEmbeddingParameters), .number(run.trainingFLOPs),
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
        the same; with *1 shot* a solved trap of another subject stands before it; *reasoned*, the line that leads to the answer does. 95 % intervals over subjects.\(series.captionWords)
        """,
      command: command, data: records(lines, words, format),
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("value", words, domain: isAccuracy ? 0...1 : nil, includesZero: true, format: format),
      color: Channel("label", "Questions"), shape: series.markers,
      marks: marks, rules: isAccuracy ? [Rule(.horizontal(0.5), "a guess")] : [],
      tooltip: ["size", "label", "training", "value", "lower", "upper", "kind"])
  }

  private func byCompute(_ lines: [Line]) -> Figure {
    Figure(
      id: "traps-by-flops", title: "Accuracy in traps against training compute",
      caption: "As above, by the FLOPs of each model's training.\(series.captionWords)",
      command: command, data: records(lines, "Accuracy", Self.percent),
      x: Axis("training_flops", "Training FLOPs", scale: .log, format: .scientific),
      y: Axis("value", "Accuracy", domain: 0...1, format: .percent(digits: 0)),
      color: Channel("label", "Questions"), shape: series.markers, panel: Channel("task", "Task"),
      marks: marks, rules: [Rule(.horizontal(0.5), "a guess")],
      tooltip: ["task", "size", "label", "training", "value", "lower", "upper", "kind"])
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
      color: Channel("label", "Presentations", palette: .ordered), shape: series.markers,
      panel: Channel("task", "Task"), marks: marks, rules: [Rule(.horizontal(0.5), "a guess")],
      tooltip: ["task", "size", "label", "training", "value", "lower", "upper", "kind"])
  }

  private var marks: [Mark] {
    [.interval(low: "lower", high: "upper"), .line(by: ["label", "training", "series"]), .points]
  }
}

/// Which way accuracy goes with size.
extension TrapFigures {
  /// The means at the sizes of models that were trained alike.
  private struct Curve {
    let training: String
    /// By ascending size.
    let points: [CurveShape.Point]

    var shape: CurveShape? { CurveShape(points) }
  }

  private func curves(_ line: Line) -> [Curve] {
    let points = series.groups.compactMap { group in
      let values = group.runs.compactMap { line.values[$0.id] }
      return Mean.of(values.map(\.value)).map {
        (group, point: CurveShape.Point(mean: $0, standardError: Self.standardError(values)))
      }
    }
    return points.grouped { group, _ in series.training(group.first) }.map { training, own in
      Curve(training: training, points: own.sorted { $0.0.size < $1.0.size }.map(\.point))
    }
  }

  /// Of the mean over seeds; of one run, that of its interval over subjects.
  private static func standardError(_ values: [Measured]) -> Double {
    if let deviation = Mean.standardDeviation(values.map(\.value)) {
      return deviation / Double(values.count).squareRoot()
    }
    guard let only = values.first, let lower = only.lower, let upper = only.upper else { return 0 }
    return (upper - lower) / (2 * 1.96)
  }

  /// A row for each task, form and training.
  private func shapes(_ lines: [Line]) -> Report.Table {
    var data = Records([
      Column("task", "Task"), Column("cause", "Cause"), Column("label", "Questions"),
      Column("training", "Training"), Column("sizes", "Sizes", .integer),
      Column("first", "Smallest model", Self.percent),
      Column("lowest", "Lowest mean", Self.percent),
      Column("last", "Largest model", Self.percent), Column("shape", "Shape"),
    ])
    for line in lines {
      for curve in curves(line) {
        let means = curve.points.map(\.mean)
        data.append([
          .text(line.task), .text(Trap(rawValue: line.task)?.cause.rawValue ?? ""),
          .text(line.label), .text(curve.training), .integer(means.count), Cell(means.first),
          Cell(means.min()), Cell(means.last), .text(curve.shape?.rawValue ?? "one size"),
        ])
      }
    }
    return Report.Table(
      id: "trap-shapes", title: "How accuracy goes with size",
      caption: """
        Means over seeds at each size. *U*: an inner size is lower than the first and the last; *positive*: the last \
        is higher than the first; *inverse*: some size is higher than the last; else *flat*. A difference counts \
        above two of its standard errors, which are over seeds, or over subjects where there is one seed.
        """,
      command: command, data: data)
  }

  /// How many tasks have each shape, beside the published count.
  private func shapeCounts(_ lines: [Line], _ exposed: [Line]) -> Report.Table {
    let names: [CurveShape] = [.inverse, .u, .positive, .flat]
    var data = Records(
      [Column("source", "Source"), Column("label", "Questions"), Column("training", "Training")]
        + names.map { Column($0.rawValue.lowercased(), $0.rawValue, .integer) })
    data.append([
      "arXiv 2211.02011", "11 prize tasks, PaLM 1B to 540B", "", .integer(4), .integer(6),
      .integer(1), .integer(0),
    ])
    let all =
      lines.map { (label: $0.label, line: $0) }
      + exposed.map { (label: "trap, presented \($0.label)", line: $0) }
    let shapes = all.flatMap { label, line in
      curves(line).compactMap { curve in curve.shape.map { (key: [label, curve.training], $0) } }
    }
    for (key, own) in shapes.grouped(by: \.key) {
      data.append(
        ["this study", .text(key[0]), .text(key[1])]
          + names.map { name in .integer(own.count { $0.1 == name }) })
    }
    return Report.Table(
      id: "trap-shape-counts", title: "Shapes beside the published ones",
      caption: """
        Tasks by how accuracy goes with size, for each group of questions. The published count is of accuracy in ten \
        tasks and of the loss in prompt injection; which task has which shape is not repeated here.
        """,
      command: command, data: data)
  }
}
