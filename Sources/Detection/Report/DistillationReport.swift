import Analysis
import Evaluation
import GRDB
import Report

/// How much of a detector few examples keep, and what those are, in a study's report.
struct DistillationReport {
  let series: ResultSeries
  let command: String

  private static let ways: [(way: DistilledExamples, title: String)] = [
    (.kip, "inducing points"), (.solve, "solved targets"), (.kmeans, "k-means centres"),
    (.random, "random examples"),
  ]

  /// A head of few examples and the one of all examples, on the answers of one language model.
  private struct Pair {
    let row: DetectorRow
    let distilled: KernelHead.Distilled
    let kernel: String
    let whole: Double

    /// (AUROC - 1/2) / (AUROC of all examples - 1/2); nil where all examples say nothing.
    var kept: Double? { whole > 0.5 ? (row.value - 0.5) / (whole - 0.5) : nil }
  }

  /// By group, task, kernel, way and number of examples.
  private func pairs() throws -> [Pair] {
    let rows = try DetectorRow.all(
      series, from: "detector",
      """
      d.kind = 'kernel' AND d.metric = 'auroc' AND instr(d.name, '@') = 0
      ORDER BY shown.group_place, d.task, shown.place, d.rowid
      """)
    let heads = rows.compactMap { row in
      (try? KernelHead(named: row.name)).map { (row: row, head: $0) }
    }
    let found = heads.compactMap { row, head -> Pair? in
      guard let distilled = head.distilled,
        let whole = heads.first(where: {
          $0.head.isExact && $0.head.kernel == head.kernel && $0.row.run == row.run
            && $0.row.task == row.task
        })
      else { return nil }
      return Pair(
        row: row, distilled: distilled, kernel: head.kernel.name, whole: whole.row.value)
    }
    let order = Self.ways.map(\.way)
    func key(_ pair: Pair) -> (Int, String, String, Int, Int) {
      (
        pair.row.group, pair.row.task, pair.kernel,
        order.firstIndex(of: pair.distilled.way) ?? 0, pair.distilled.count
      )
    }
    return found.enumerated().sorted { a, b in
      key(a.element) == key(b.element)
        ? a.offset < b.offset : key(a.element) < key(b.element)
    }.map(\.element)
  }

  /// The share of AUROC above chance that is kept, against the number of examples; nil without
  /// distilled heads.
  func figure() throws -> Figure? {
    let pairs = try pairs()
    guard !pairs.isEmpty else { return nil }
    let number = ColumnFormat.number(digits: 3)
    var data = Records([
      Column("panel", "Task, training and kernel"), Column("size", "Size of the LM"),
      Column("way", "Examples"), Column("count", "Number of examples", .integer),
      Column("kept", "Share kept", number), Column("lower", "Lower", number),
      Column("upper", "Upper", number), Column("auroc", "AUROC", number),
      Column("auroc_of_all", "AUROC of all examples", number), Column("runs", "LMs", .integer),
    ])
    for seeds in pairs.chunks(by: {
      [
        "\($0.row.group)", $0.row.task, $0.kernel, $0.distilled.way.rawValue,
        "\($0.distilled.count)",
      ]
    }) {
      let (pair, row) = (seeds[0], seeds[0].row)
      guard let kept = StudentT.mean(seeds.compactMap(\.kept)) else { continue }
      data.append([
        .text("\(DetectionFigures.title(row.task)), \(row.training), \(pair.kernel)"),
        .text(row.size), .text(Self.title(pair.distilled.way)), .integer(pair.distilled.count),
        .number(kept.value), Cell(kept.interval?.low), Cell(kept.interval?.high),
        Cell(Mean.of(seeds.map(\.row.value))), Cell(Mean.of(seeds.map(\.whole))),
        .integer(kept.count),
      ])
    }
    return Figure(
      id: "distillation", title: "AUROC kept by number of examples",
      caption: """
        (AUROC − ½) of an infinitely wide head on few examples, as a share of that on all training examples: learned points \
        and targets (inducing points), drawn examples with the best targets (solved targets), centres of clusters of each class, \
        and drawn examples as they are. Means over language models of a size; bars are 95 % by Student's t over them.
        """,
      command: command, data: data,
      x: Axis("count", "Number of examples", scale: .log, format: .count),
      y: Axis("kept", "Share of AUROC − ½ kept", format: number),
      color: Channel("way", "Examples"), shape: Channel("size", "Size of the LM"),
      panel: Channel("panel", "Task, training and kernel"),
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["size", "way"]), .points],
      rules: [Rule(.horizontal(1), "all examples"), Rule(.horizontal(0), "chance")],
      tooltip: ["panel", "size", "way", "count", "kept", "lower", "upper", "auroc", "runs"])
  }

  private static func title(_ way: DistilledExamples) -> String {
    ways.first { $0.way == way }?.title ?? way.rawValue
  }

  /// For each kernel and number of inducing points how they do against other examples of that
  /// number, and against all.
  func findings() throws -> [DetectionClaims.Finding] {
    let all = try pairs().sorted {
      ($0.row.training, $0.row.task, $0.kernel) < ($1.row.training, $1.row.task, $1.kernel)
    }
    return all.chunks(by: { [$0.row.training, $0.row.task, $0.kernel] }).flatMap { pairs in
      Set(pairs.map(\.distilled.count)).sorted().flatMap { count -> [DetectionClaims.Finding] in
        let own = pairs.filter { $0.distilled.count == count }
        let learned = own.filter { $0.distilled.way == .kip }
        func finding(_ claim: String, _ differences: [Double]) -> DetectionClaims.Finding? {
          differences.isEmpty
            ? nil
            : DetectionClaims.Finding(
              claim: claim, training: pairs[0].row.training, task: pairs[0].row.task,
              family: "\(pairs[0].kernel), \(count) examples", metric: "AUROC",
              estimate: StudentT.mean(differences), isPositive: true)
        }
        let others = Self.ways.dropFirst().compactMap { way, title in
          finding(
            "inducing points keep more than \(title)",
            learned.compactMap { pair in
              own.first { $0.distilled.way == way && $0.row.run == pair.row.run }
                .map { pair.row.value - $0.row.value }
            })
        }
        return others
          + [
            finding(
              "all examples are better than inducing points",
              learned.map { $0.whole - $0.row.value })
          ].compactMap(\.self)
      }
    }
  }

  // MARK: What they hold

  /// What the examples of distilled heads are like, by the real ones nearest to them; nil without
  /// any.
  func table() throws -> Report.Table? {
    let rows = try series.rows(
      """
      SELECT run.size, shown.training, p.task, p.name, count(DISTINCT p.run_id) AS runs, count(*) AS points,
        avg(p.size) AS point_size, avg(p.similarity) AS similarity,
        avg((p.output > 0) = p.is_hallucination) AS agreement,
        avg(iif(p.output > 0, p.log_probability, NULL)) AS probability_high,
        avg(iif(p.output > 0, NULL, p.log_probability)) AS probability_low,
        avg(iif(p.output > 0, p.popularity, NULL)) AS popularity_high,
        avg(iif(p.output > 0, NULL, p.popularity)) AS popularity_low,
        count(DISTINCT p.predicate) AS predicates
      FROM distilled_point p JOIN shown ON shown.run_id = p.run_id JOIN run ON run.id = p.run_id
      GROUP BY shown.group_place, p.task, p.name ORDER BY shown.group_place, p.task, min(p.rowid)
      """)
    guard !rows.isEmpty else { return nil }
    let columns = [
      Column("size", "Size of the LM"), Column("training", "Training"), Column("task", "Task"),
      Column("name", "Head"), Column("runs", "LMs", .integer),
      Column("points", "Points", .integer),
      Column("point_size", "Size of a point", .number(digits: 2)),
      Column("similarity", "Likeness of the nearest", .number(digits: 3)),
      Column("agreement", "Verdict agrees", .percent(digits: 0)),
      Column("probability_high", "Log-probability, hallucinations", .number(digits: 2)),
      Column("probability_low", "Log-probability, others", .number(digits: 2)),
      Column("popularity_high", "Popularity, hallucinations", .number(digits: 2)),
      Column("popularity_low", "Popularity, others", .number(digits: 2)),
      Column("predicates", "Predicates", .integer),
    ]
    return Report.Table(
      id: "distilled-points", title: "What the examples of distilled heads are like",
      caption: """
        Means over the points of all language models. *Size*: root mean square of a point's standardised states, 1 for a \
        real answer on the average. *Likeness*: the cosine, by the kernel, of the real training answer that is nearest. \
        *Verdict agrees*: the nearest is a hallucination where the head says so of the point. *Log-probability* and \
        *popularity* of its object: the share of training answers below the nearest one, of points that the head takes for \
        hallucinations and of others; equal numbers say that points do not differ in it. study.sqlite has every point with \
        the text of its nearest answer, in `distilled_point`.
        """,
      command: command, data: Records(columns, rows.map { $0.cells(columns) }))
  }
}

extension ResultTable {
  /// The few examples of each distilled head beside the real ones that are nearest.
  static let distilledPoints = ResultTable(
    "distilled_point", key: "task, name, place",
    columns: """
        task TEXT NOT NULL, name TEXT NOT NULL, place INTEGER NOT NULL CHECK (place >= 0),
        output REAL NOT NULL, size REAL NOT NULL, similarity REAL NOT NULL, predicate TEXT NOT NULL,
        text TEXT NOT NULL, is_hallucination INTEGER NOT NULL CHECK (is_hallucination IN (0, 1)),
        log_probability REAL NOT NULL, popularity REAL NOT NULL
      """,
    rows: """
      SELECT json_extract(d.value, '$.task'), json_extract(d.value, '$.name'), p.key,
        json_extract(p.value, '$.output'), json_extract(p.value, '$.size'),
        json_extract(p.value, '$.similarity'), json_extract(p.value, '$.predicate'),
        json_extract(p.value, '$.text'), json_extract(p.value, '$.is_hallucination'),
        json_extract(p.value, '$.log_probability'), json_extract(p.value, '$.popularity')
      FROM detection h, json_each(h.summary, '$.detectors') d,
        json_each(d.value, '$.training.distilled') p
      WHERE h.key = ? ORDER BY d.key, p.key
      """)
}
