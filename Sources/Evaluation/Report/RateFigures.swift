import Report

/// The figures of hallucination rates.
struct RateFigures {
  let series: ResultSeries
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)

  /// Rate against size for each number of epochs, a panel for each visibility.
  func bySize() -> Figure {
    Figure(
      id: "rate-vs-size", title: "Hallucination rate against model size",
      caption: """
        Exact share of answers at temperature 1 that are true nowhere in the graph, with 95 % intervals over subjects. \
        Size is the number of non-embedding parameters.\(guessWords)\(series.cutWords)\(series.captionWords)
        """,
      command: command,
      data: records(
        VisibilityWords.all, [Column("size", "Size"), Self.parameters, Self.total, Self.queries]
      ) { run, rate in
        [
          .text(run.size), .integer(run.nonEmbeddingParameters), .integer(run.parameters),
          .integer(rate.queryCount),
        ]
      },
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Self.rateAxis,
      color: Channel("training", "Training", palette: .ordered), shape: shape,
      panel: Channel("visibility", "Queries"), marks: marks(by: "training"), rules: guessRules,
      tooltip: ["size", "training", "rate", "lower", "upper", "queries", "parameters", "kind"])
  }

  /// Rate on seen and unseen queries against u.
  func byTokensPerParameter() -> Figure {
    Figure(
      id: "rate-vs-u", title: "Hallucination rate against unique tokens per parameter",
      caption: """
        u is the number of unique training tokens for each non-embedding parameter. In arXiv 2408.07852 runs \
        of equal epochs nearly fall on one curve over u; where they don't, exposures matter as well. \
        \(Self.intervalWords)\(series.cutWords)\(series.captionWords)
        """,
      command: command,
      data: records(
        VisibilityWords.seenAndUnseen,
        [Column("size", "Size"), Column("u", "u", .number(digits: 2))]
      ) { run, _ in [.text(run.size), .number(run.tokensPerParameter)] },
      x: Axis("u", "Unique training tokens per non-embedding parameter", scale: .log),
      y: Self.rateAxis, color: Channel("training", "Training", palette: .ordered), shape: shape,
      panel: Channel("visibility", "Queries"), marks: marks(by: "training"), rules: guessRules,
      tooltip: ["size", "training", "u", "rate", "lower", "upper", "kind"])
  }

  /// Rate against training operations: a line for each size, a marker for each number of epochs.
  func byOperations() -> Figure {
    Figure(
      id: "rate-vs-flops", title: "Hallucination rate against training compute",
      caption: """
        A line joins the runs of one size; along it only the number of epochs, or the share of the graph, grows. Operations are those of \
        forward and backward passes. \(Self.intervalWords)\(series.cutWords)\(series.captionWords)
        """,
      command: command,
      data: records(
        VisibilityWords.seenAndUnseen,
        [Column("size", "Size"), Column("training_flops", "Training FLOPs", .scientific)],
        order: { ($0.nonEmbeddingParameters, $0.epochs) }
      ) { run, _ in [.text(run.size), .number(run.trainingFLOPs)] },
      x: Axis("training_flops", "Training FLOPs", scale: .log, format: .scientific),
      y: Self.rateAxis, color: Channel("size", "Size", palette: .ordered),
      shape: series.markers, panel: Channel("visibility", "Queries"),
      marks: marks(by: "size"), rules: guessRules,
      tooltip: ["size", "training", "training_flops", "rate", "lower", "upper", "kind"])
  }

  /// What the completions of the longest training are, against size.
  func byVerdict() throws -> Figure? {
    guard let epochs = series.longestEpochs,
      let horizon = series.groups.first(where: { $0.first.epochs == epochs })?.first.horizon
    else { return nil }
    let words = [
      "correct": "correct", "correct_held_out": "correct, never trained on",
      "wrong_object": "wrong object", "wrong_type": "wrong type", "invented": "invented name",
      "malformed": "malformed", "abstained": "abstained",
    ]
    let order = [
      "correct", "correct_held_out", "wrong_object", "wrong_type", "invented", "malformed",
    ]
    var data = Records(
      [
        Column("visibility", "Queries"), Column("verdict", "Verdict"), Column("size", "Size"),
        Self.parameters, Column("share", "Share", Self.percent), Column("lower", "Lower"),
        Column("upper", "Upper"), Column("series", "Series"), Column("kind", "Point"),
      ])
    let shares = try series.results.values(
      """
      SELECT run_id || ' ' || visibility || ' ' || verdict,
        1.0 * count / max(1, sample_count), NULL, NULL
      FROM verdict WHERE method = 'sampled' AND temperature = 1
      """)
    for (visibility, label) in VisibilityWords.all {
      for verdict in order {
        for group in series.groups where group.first.epochs == epochs {
          let rows = series.rows(group) { run in
            shares["\(run.id) \(visibility) \(verdict)"]
          } _: { run in
            [
              .text(label + series.graph(run)), .text(words[verdict] ?? verdict), .text(run.size),
              .integer(run.nonEmbeddingParameters),
            ]
          }
          rows.forEach { data.append($0) }
        }
      }
    }
    guard !data.rows.isEmpty else { return nil }
    return Figure(
      id: "verdicts", title: "What the answers are",
      caption: """
        Share of completions drawn at temperature 1 by verdict, for the models of \(horizon). Wrong \
        object, wrong type, invented name and malformed are hallucinations.\(series.cutWords)\(series.captionWords)
        """,
      command: command, data: data,
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("share", "Share of completions", domain: 0...1, format: .percent(digits: 0)),
      color: Channel("verdict", "Verdict"), panel: Channel("visibility", "Queries"),
      marks: marks(by: "verdict"),
      tooltip: ["size", "verdict", "share", "kind"])
  }

  // MARK: Parts

  private static let parameters = Column(
    "non_embedding_parameters", "Non-embedding parameters", .integer)
  private static let total = Column("parameters", "All parameters", .integer)
  private static let queries = Column("queries", "Queries", .integer)
  private static let rateAxis = Axis(
    "rate", "Hallucination rate", includesZero: true, format: .percent(digits: 0))

  private static let intervalWords = "Bars of one run are 95 % intervals over subjects."

  private var shape: Channel? { series.hasSeveralSeeds ? Channel("kind", "Point") : nil }

  private func marks(by column: String) -> [Mark] {
    [.interval(low: "lower", high: "upper"), .line(by: [column, "series"]), .points]
  }

  private var guessWords: String {
    guessRules.isEmpty
      ? ""
      : " The line in the last panel is what a guess from the trained objects of each predicate would reach."
  }

  private var guessRules: [Rule] {
    let rates = series.results.graphs.compactMap(\.guessRate)
    guard rates.count == 1, let rate = rates.first,
      let panel = VisibilityWords.all.last?.1, let unseen = VisibilityWords.seenAndUnseen.last?.1
    else { return [] }
    return [panel, unseen].map {
      Rule(.horizontal(1 - rate), "guessing from p(o | p)", panel: $0)
    }
  }

  private func records(
    _ sets: [(String, String)], _ columns: [Column],
    order: ((RunRow) -> (Int, Double))? = nil, _ cells: (RunRow, RunRate) -> [Cell]
  ) -> Records {
    var data = Records(
      [Column("visibility", "Queries"), Column("training", "Training")] + columns
        + ResultSeries.columns("rate", "Hallucination rate", Self.percent))
    var groups = series.groups
    if let order { groups.sort { order($0.first) < order($1.first) } }
    for (visibility, label) in sets {
      for group in groups {
        let rows = series.rows(group) {
          series.rate($0, visibility)?.measured
        } _: { run in
          guard let rate = series.rate(run, visibility) else { return [] }
          return [.text(label), .text(series.training(run))] + cells(run, rate)
        }
        rows.forEach { data.append($0) }
      }
    }
    return data
  }
}
