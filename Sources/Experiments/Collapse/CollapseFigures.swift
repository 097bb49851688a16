import Evaluation
import Report

/// What models of later generations still say, in a study's report.
struct CollapseFigures {
  let results: StudyResults
  let command: String

  private static let percent = ColumnFormat.percent(digits: 1)
  private static let number = ColumnFormat.number(digits: 3)

  func sections() throws -> [ReportSection] {
    let histogram = try histogram()
    guard !histogram.data.rows.isEmpty else { return [] }
    return [
      ReportSection(
        "What generations say",
        [
          .figure(histogram),
          .figure(
            try objects(
              "objects-said", "said", "Objects still said",
              """
              Share of the objects of trained triples that some answer named, of whomever, by how many trained triples of the \
              predicate have them, with 95 % intervals over objects.
              """)),
          .figure(
            try objects(
              "objects-mass", "mass", "Probability of true objects",
              """
              Mean exact probability of the objects of trained triples at temperature 1, by how many trained triples of the \
              predicate have them, with 95 % intervals over subjects.
              """)),
          .table(try answers()),
        ])
    ]
  }

  /// SQL of each run with the panels that have it: that of its text, or of every text where it
  /// learned from the graph.
  private static let lines = """
    (SELECT DISTINCT run.id, run.rowid AS place, run.size || ', ' || other.text_source AS panel,
        coalesce(run.generation, 0) AS generation
      FROM run JOIN run other ON other.size = run.size AND other.graph_id = run.graph_id
        AND other.fraction = run.fraction AND other.text_source IS NOT NULL
        AND (other.text_source = run.text_source OR run.text_source IS NULL))
    """

  private func histogram() throws -> Figure {
    let data = try results.records(
      [
        Column("panel", "Models"), Column("run", "Run"), Column("name", "Name"),
        Column("generation", "Generation", .integer),
        Column("from_loss", "Loss by generation 0 (nats)", .number(digits: 1)),
        Column("share", "Answers", Self.percent), Column("lower", "Lower", Self.percent),
        Column("upper", "Upper", Self.percent), Column("right_share", "Right", Self.percent),
        Column("answer_count", "Answers (n)", .integer),
      ],
      """
      SELECT l.panel, run.id AS run, run.name, l.generation, c.* FROM collapse_loss c
      JOIN run ON run.id = c.run_id JOIN \(Self.lines) l ON l.id = run.id
      ORDER BY l.panel, l.generation, l.place, c.rowid
      """)
    return Figure(
      id: "generation-0-loss", title: "What generation 0 makes of what generations say",
      caption: """
        Answers at temperature 1 to the queries that were trained on, by the loss that the first model of the line gives them, \
        end token included: bins of \(CollapseLoss.binWidth) nats from where a point stands, the last without an end, with 95 % \
        intervals over subjects. Generation 0 stands in every panel of its size. Mass that moves to the left is of answers \
        that were likely from the start; what grows at the right is of answers that the first model would hardly have given.
        """,
      command: command, data: data,
      x: Axis("from_loss", "Loss by generation 0 (nats)", includesZero: true),
      y: Axis("share", "Answers", includesZero: true, format: Self.percent),
      color: Channel("generation", "Generation", palette: .ordered),
      panel: Channel("panel", "Models"),
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["panel", "run"]), .points],
      tooltip: [
        "name", "generation", "from_loss", "share", "lower", "upper", "right_share", "answer_count",
      ])
  }

  private func objects(
    _ id: String, _ column: String, _ title: String, _ words: String
  ) throws -> Figure {
    let data = try results.records(
      [
        Column("panel", "Models"), Column("run", "Run"), Column("name", "Name"),
        Column("generation", "Generation", .integer), Column("popularity", "Triples of an object"),
        Column("value", title, Self.percent), Column("lower", "Lower", Self.percent),
        Column("upper", "Upper", Self.percent), Column("recall", "Recall", Self.percent),
        Column("object_count", "Objects (n)", .integer),
        Column("triple_count", "Triples (n)", .integer),
        Column("seed", "Seed", .integer),
      ],
      """
      SELECT l.panel, run.id AS run, run.name, l.generation, c.\(column) AS value,
        c.\(column)_lower AS lower, c.\(column)_upper AS upper, run.seed, c.*
      FROM collapse_objects c JOIN run ON run.id = c.run_id JOIN \(Self.lines) l ON l.id = run.id
      ORDER BY l.panel, CAST(c.popularity AS INTEGER), l.generation, l.place
      """)
    return Figure(
      id: id, title: "\(title) against generation", caption: Prose(markup: words),
      command: command, data: data,
      x: Axis("generation", "Generation", includesZero: true),
      y: Axis("value", title, domain: 0...1, format: Self.percent),
      color: Channel("popularity", "Triples of an object", palette: .ordered),
      panel: Channel("panel", "Models"),
      marks: [
        .interval(low: "lower", high: "upper"), .line(by: ["panel", "popularity", "seed"]), .points,
      ],
      tooltip: [
        "name", "generation", "popularity", "value", "lower", "upper", "recall", "object_count",
        "triple_count",
      ])
  }

  private func answers() throws -> Table {
    Table(
      id: "generation-0-reads", title: "Loss of answers by generation 0 and by their own model",
      caption: """
        Nats an answer, with 95 % intervals over subjects. Of all answers the difference is how far the model went from \
        generation 0: the divergence KL(model | generation 0).
        """,
      command: command,
      data: try results.records(
        [
          Column("run", "Run"), Column("generation", "Generation", .integer),
          Column("answers", "Answers"), Column("loss", "By generation 0", Self.number),
          Column("lower", "Lower", Self.number), Column("upper", "Upper", Self.number),
          Column("own_loss", "By itself", Self.number),
          Column("own_lower", "Lower (itself)", Self.number),
          Column("own_upper", "Upper (itself)", Self.number),
          Column("answer_count", "Answers (n)", .integer),
        ],
        """
        SELECT run.name AS run, run.generation, c.* FROM collapse_answers c
        JOIN run ON run.id = c.run_id ORDER BY run.rowid, c.rowid
        """))
  }
}
