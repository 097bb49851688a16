import Evaluation
import Report

/// What the probes of trainings say of their stability.
struct StabilityFigures {
  let series: ResultSeries
  let command: String

  private static let number = ColumnFormat.number(digits: 4)

  /// Nil where no training was probed.
  func section() throws -> ReportSection? {
    let counts = try series.results.rows(
      "SELECT count(*), (SELECT count(DISTINCT run_id) FROM probe) FROM run")
    let (all, probed): (Int, Int) = (try counts[0].value(0), try counts[0].value(1))
    guard probed > 0 else { return nil }
    var blocks: [Block] = []
    if probed < all {
      blocks.append(
        .note(
          """
          \(all - probed) of \(all) trainings have no probes, as those have that were done before the study asked for them with \
          probe_steps. Remove the folders of their models and run the study again to have them.
          """))
    }
    blocks += [
      .figure(try attentionLogits()), .figure(try outputLogits()), .figure(try alignment()),
      .figure(try updates()), .figure(try gradients()), .table(try epsilon()),
    ]
    blocks += try AttentionLogitForecast(series: series, command: command).blocks()
    return ReportSection("Stability", blocks)
  }

  private func attentionLogits() throws -> Figure {
    try ofRuns(
      "attention-logit-vs-step", "Largest attention logit by step",
      "Largest q k / sqrt(head size) of a token and one that it sees, on the first micro-batch of the step.",
      value: Column("attention_logit_max", "Largest attention logit", Self.number), isLog: true,
      part: Column("layer", "Layer"),
      """
      SELECT run_id, step, 'layer ' || layer AS layer, attention_logit_max FROM probe_layer
      WHERE attention_logit_max > 0
      """)
  }

  private func outputLogits() throws -> Figure {
    try ofRuns(
      "output-logit-vs-step", "Mean output logit by step",
      "Mean over tokens and vocabulary on the first micro-batch of the step; a drift away from 0 is what z-loss holds back.",
      value: Column("output_logit_mean", "Mean output logit", Self.number),
      "SELECT run_id, step, output_logit_mean FROM probe WHERE output_logit_mean IS NOT NULL")
  }

  private func alignment() throws -> Figure {
    try ofKinds(
      "alignment-vs-step", "Alignment of matrices with what they read, by step",
      """
      log_n of RMS(W z) / (RMS(W) RMS(z)), n the inputs of W: 1/2 for independent random numbers, 1 for W = u v^T and z = v \
      (arXiv 2407.05872). Mean over layers; probe_tensor of study.sqlite has every matrix.
      """,
      value: Column("alignment", "Alignment", Self.number), kind: Column("kind", "Matrix"),
      """
      SELECT run_id, step, kind, avg(alignment) AS alignment FROM probe_tensor
      WHERE alignment IS NOT NULL GROUP BY run_id, step, kind
      """)
  }

  private func updates() throws -> Figure {
    try ofKinds(
      "update-alignment-vs-step", "Alignment of updates, by step",
      """
      The same ratio of what changed since the start, W = W_0 + dW of a matrix that reads z = z_0 + dz: *alpha* of dW with z_0, *omega* of \
      W_0 with dz, *u* of dW with dz (arXiv 2407.05872). Rates by layer assume alpha = u = 1 under full alignment, and 1/2 under none. \
      Mean over layers; probe_tensor of study.sqlite has every matrix.
      """,
      value: Column("value", "Alignment", Self.number), kind: Column("kind", "Matrix"),
      part: Column("exponent", "Exponent"),
      """
      SELECT run_id, step, kind, e.column1 AS exponent,
        avg(CASE e.column1 WHEN 'alpha' THEN alpha WHEN 'omega' THEN omega ELSE u END) AS value
      FROM probe_tensor, (VALUES ('alpha'), ('omega'), ('u')) e GROUP BY run_id, step, kind, exponent
      HAVING value IS NOT NULL
      """)
  }

  private func gradients() throws -> Figure {
    try ofKinds(
      "gradient-rms-vs-step", "Root mean square of gradients by step",
      """
      Before clipping, of the optimiser's parameters; root of the mean square over layers. The table below has what AdamW adds to the \
      root of the mean of such squares, epsilon.
      """,
      value: Column("gradient_rms", "Gradient RMS", .scientific), isLog: true,
      kind: Column("kind", "Tensor"),
      """
      SELECT run_id, step, kind, sqrt(avg(gradient_rms * gradient_rms)) AS gradient_rms
      FROM probe_tensor WHERE kind NOT LIKE '%norm' GROUP BY run_id, step, kind
      HAVING avg(gradient_rms) > 0
      """)
  }

  /// A value by step: a line for each run and each of its `part`s, a panel for each kind of matrix
  /// or else for each training.
  private func ofRuns(
    _ id: String, _ title: String, _ words: String, value: Column, isLog: Bool = false,
    kind: Column? = nil, part: Column? = nil, _ sql: String
  ) throws -> Figure {
    let training = series.hasSeveralTrainings ? Column("training", "Training") : nil
    let panel = kind ?? training ?? part
    let columns = [
      kind, Column("size", "Size"), Column("training", "Training"),
      Column("learning_rate", "Learning rate", Self.number), Column("step", "Step", .integer),
      value, part, Column("run", "Run"),
    ].compactMap(\.self)
    return try figure(
      id, title, "\(words) A line for each run.", columns, value, isLog: isLog, panel: panel,
      shape: [part, training].compactMap(\.self).first { $0 != panel },
      line: ["run"] + (part.map { [$0.name] } ?? []),
      """
      SELECT v.*, run.size, shown.training, run.learning_rate, run.id AS run FROM (\(sql)) v
      JOIN shown ON shown.run_id = v.run_id JOIN run ON run.id = v.run_id
      ORDER BY \(kind.map { "v.\($0.name), " } ?? "")shown.place, v.step
      """)
  }

  /// A value by step, a panel for each kind of matrix: a line for each run, or for each size where
  /// runs are many.
  private func ofKinds(
    _ id: String, _ title: String, _ words: String, value: Column, isLog: Bool = false,
    kind: Column, part: Column? = nil, _ sql: String
  ) throws -> Figure {
    let runs = try series.rows("SELECT DISTINCT run_id FROM probe JOIN shown USING (run_id)").count
    guard runs > Self.mostLines else {
      return try ofRuns(
        id, title, words, value: value, isLog: isLog, kind: kind, part: part, sql)
    }
    let parts = part.map { [$0] } ?? []
    let key = (["v.\(kind.name)", "run.size", "v.step"] + parts.map { "v.\($0.name)" })
      .joined(separator: ", ")
    let columns =
      [kind, Column("size", "Size"), Column("step", "Step", .integer), value] + parts + [
        Column("lowest", "Lowest", value.format), Column("highest", "Highest", value.format),
        Column("runs", "Runs (n)", .integer),
      ]
    return try figure(
      id, title,
      "\(words) A line is the mean over the runs of a size; study.sqlite has each of the \(runs).",
      columns, value, isLog: isLog, panel: kind, shape: part,
      line: ["size"] + parts.map(\.name),
      """
      SELECT \(key), avg(v.\(value.name)) AS \(value.name), min(v.\(value.name)) AS lowest,
        max(v.\(value.name)) AS highest, count(*) AS runs
      FROM (\(sql)) v JOIN shown ON shown.run_id = v.run_id JOIN run ON run.id = v.run_id
      GROUP BY \(key) ORDER BY v.\(kind.name), min(run.non_embedding_parameters), v.step
      """)
  }

  private func figure(
    _ id: String, _ title: String, _ words: String, _ columns: [Column], _ value: Column,
    isLog: Bool, panel: Column?, shape: Column?, line: [String], _ sql: String
  ) throws -> Figure {
    Figure(
      id: id, title: title, caption: Prose(markup: words + series.choiceWords), command: command,
      data: Records(columns, try series.rows(sql).map { $0.cells(columns) }),
      x: Axis("step", "Step", format: .count),
      y: Axis(value.name, value.title, scale: isLog ? .log : .linear),
      color: Channel("size", "Size", palette: .ordered),
      shape: shape.map { Channel($0.name, $0.title) },
      panel: panel.map { Channel($0.name, $0.title) }, marks: [.line(by: line), .points],
      tooltip: columns.map(\.name))
  }

  /// Lines of more runs in a panel than these cannot be told apart.
  private static let mostLines = 24

  /// For each run the tensor whose gradient is the smallest beside epsilon at the last probe.
  private func epsilon() throws -> Table {
    let columns = [
      Column("size", "Size"), Column("training", "Training"),
      Column("learning_rate", "Learning rate", Self.number), Column("step", "Step", .integer),
      Column("tensor", "Tensor"), Column("gradient_rms", "Its gradient RMS", .scientific),
      Column("epsilon", "Epsilon", .scientific),
      Column("ratio", "Gradient RMS / epsilon", .scientific),
    ]
    let rows = try series.rows(
      """
      SELECT run.size, shown.training, run.learning_rate, p.step, p.tensor, p.gradient_rms,
        p.epsilon, min(p.gradient_rms / p.epsilon) AS ratio
      FROM probe_tensor p JOIN shown ON shown.run_id = p.run_id JOIN run ON run.id = p.run_id
      WHERE p.epsilon > 0 AND p.step = (SELECT max(step) FROM probe WHERE run_id = p.run_id)
      GROUP BY p.run_id ORDER BY shown.place
      """
    ).map { $0.cells(columns) }
    return Table(
      id: "gradient-epsilon", title: "Gradients against epsilon",
      caption: """
        The tensor whose gradient is the smallest beside what AdamW adds to its root mean square, at the last probe. Where the ratio is not far \
        above 1, epsilon slows learning. Optimisers without epsilon are left out.\(series.choiceWords)
        """,
      command: command, data: Records(columns, rows))
  }
}
