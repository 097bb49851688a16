import Analysis
import Evaluation
import Foundation
import GRDB
import LabCore
import Report

/// How posteriors of heads are drawn from, and what they are worth, in a study's report.
struct PosteriorReport {
  let series: ResultSeries
  let command: String

  /// The chains of one posterior.
  struct Row: Decodable, FetchableRecord {
    var run: String
    var group: Int
    var training: String
    var size: String
    var task: String
    var width: Int
    var isRepriorised: Bool
    var examples: Int
    var rHat: Double
    var effective: Double
    var operations: Double?

    var hasMixed: Bool { rHat <= PosteriorSample.mixedRHat }
    var sampler: String { isRepriorised ? "repriorised" : "plain" }
  }

  /// By training, task, examples and width; repriorised first.
  func rows() throws -> [Row] {
    try series.rows(
      """
      SELECT p.run_id AS run, shown.group_place AS "group", shown.training, run.size, p.task, p.width,
        p.is_repriorised AS isRepriorised, coalesce(p.example_count, 0) AS examples, p.r_hat AS rHat,
        p.effective_per_gradient AS effective, p.operations_per_gradient AS operations
      FROM posterior p JOIN shown ON shown.run_id = p.run_id JOIN run ON run.id = p.run_id
      WHERE instr(p.name, '@') = 0
      ORDER BY shown.group_place, p.task, p.example_count, p.width, p.is_repriorised DESC, shown.place
      """
    ).map { try Row(row: $0) }
  }

  /// Effective samples a gradient against width, of chains that have mixed; nil without two widths.
  func figure() throws -> Figure? {
    let mixed = try rows().filter(\.hasMixed)
    guard Set(mixed.map(\.width)).count > 1 else { return nil }
    var data = Records(
      [
        Column("panel", "Task and examples"), Column("size", "Size of the LM"),
        Column("sampler", "Chains"), Column("width", "Hidden units", .integer),
      ]
        + ResultSeries.columns(
          "effective_per_gradient", "Effective samples a gradient", .number(digits: 4)))
    for seeds in mixed.chunks(by: {
      [$0.group, $0.examples, $0.width, $0.isRepriorised ? 1 : 0].map { "\($0)" } + [$0.task]
    }) {
      let row = seeds[0]
      data.append(
        [
          .text("\(row.task) task, \(row.examples) examples, \(row.training)"), .text(row.size),
          .text(row.sampler), .integer(row.width),
        ] + ResultSeries.mean(of: seeds.map { Measured(value: $0.effective) }))
    }
    return Figure(
      id: "effective-samples", title: "Effective samples a gradient against width",
      caption: """
        Of the slowest of up to \(PosteriorSample.probeCount) validation answers' outputs, over four chains. Chains whose \
        R-hat is above \(PosteriorSample.mixedRHat) have not mixed, give no number, and are in the table alone. Of several \
        seeds of the language model the mean, with bars from the lowest to the highest. Published (arXiv 2206.07673): \
        repriorised chains have up to 50 times as many, and the more the wider the network.
        """,
      command: command, data: data,
      x: Axis("width", "Hidden units", scale: .log, format: .count),
      y: Axis("effective_per_gradient", "Effective samples a gradient", scale: .log),
      color: Channel("sampler", "Chains"), shape: Channel("size", "Size of the LM"),
      panel: Channel("panel", "Task and examples"),
      marks: [.interval(low: "lower", high: "upper"), .line(by: ["size", "sampler"]), .points],
      tooltip: [
        "panel", "size", "sampler", "width", "effective_per_gradient", "lower", "upper", "kind",
      ])
  }

  /// Every posterior with its R-hat, and what repriorisation gains; nil without posteriors.
  func table() throws -> Report.Table? {
    let all = try rows()
    guard !all.isEmpty else { return nil }
    let number = ColumnFormat.number(digits: 4)
    var data = Records([
      Column("size", "Size of the LM"), Column("training", "Training"), Column("task", "Task"),
      Column("width", "Hidden units", .integer), Column("examples", "Examples", .integer),
      Column("sampler", "Chains"), Column("runs", "LMs", .integer),
      Column("mixed", "Mixed", .integer), Column("r_hat", "Largest R-hat", .number(digits: 3)),
      Column("effective_per_gradient", "Effective a gradient", number),
      Column("lower", "Lower", number), Column("upper", "Upper", number),
      Column("effective_per_gflop", "Effective per GFLOP", .number(digits: 2)),
      Column("gain", "Times the plain chains'", .number(digits: 1)),
      Column("gain_lower", "Gain lower", .number(digits: 1)),
      Column("gain_upper", "Gain upper", .number(digits: 1)),
    ])
    for posterior in all.chunks(by: {
      ["\($0.group)", $0.task, "\($0.examples)", "\($0.width)"]
    }) {
      let gain = StudentT.mean(Self.gains(posterior))
      for own in posterior.chunks(by: \.isRepriorised) {
        let (row, mixed) = (own[0], own.filter(\.hasMixed))
        let mean = StudentT.mean(mixed.map(\.effective))
        let gained = row.isRepriorised ? gain : nil
        data.append([
          .text(row.size), .text(row.training), .text(row.task), .integer(row.width),
          .integer(row.examples), .text(row.sampler), .integer(own.count), .integer(mixed.count),
          Cell(own.map(\.rHat).max()), Cell(mean?.value), Cell(mean?.interval?.low),
          Cell(mean?.interval?.high),
          Cell(
            Mean.of(mixed.compactMap { row in row.operations.map { 1e9 * row.effective / $0 } })),
          Cell(gained.map { pow(10, $0.value) }), Cell(gained?.interval.map { pow(10, $0.low) }),
          Cell(gained?.interval.map { pow(10, $0.high) }),
        ])
      }
    }
    return Report.Table(
      id: "posteriors", title: "Posteriors of heads: mixing",
      caption: """
        R-hat is split, of ranks, the largest of up to \(PosteriorSample.probeCount) outputs; at most \
        \(PosteriorSample.mixedRHat) counts as mixed, and other chains give no number. Effective samples are those of the \
        slowest output. A thousand million operations (GFLOP) are by count, not by the clock. The gain is the geometric mean of \
        language models on which both kinds of chains have mixed. Intervals are 95 % by Student's t over language models.
        """,
      command: command, data: data)
  }

  /// The decimal logarithm of effective samples a gradient with repriorisation over those without,
  /// for each run where both have mixed.
  private static func gains(_ rows: [Row]) -> [Double] {
    rows.filter(\.isRepriorised).compactMap { own in
      rows.first { $0.run == own.run && !$0.isRepriorised && $0.hasMixed }.flatMap {
        own.hasMixed ? log10(own.effective / $0.effective) : nil
      }
    }
  }

  // MARK: Claims

  /// Whether repriorisation gains, whether the more the wider, and whether a posterior is better
  /// than one training or several.
  func findings() throws -> [DetectionClaims.Finding] {
    try sampling() + quality()
  }

  private func sampling() throws -> [DetectionClaims.Finding] {
    let all = try rows().sorted {
      ($0.training, $0.task, $0.examples) < ($1.training, $1.task, $1.examples)
    }
    return all.chunks(by: { [$0.training, $0.task, "\($0.examples)"] }).flatMap { rows in
      func finding(_ claim: String, _ metric: String, _ values: [Double]) -> DetectionClaims.Finding
      {
        DetectionClaims.Finding(
          claim: claim, training: rows[0].training, task: rows[0].task,
          family: "Bayesian heads, \(rows[0].examples) examples", metric: metric,
          estimate: StudentT.mean(values), isPositive: true)
      }
      let metric = "log10 of effective samples a gradient"
      let widths = Set(rows.map(\.width)).sorted()
      let both = widths.compactMap { width in
        let own = rows.filter { $0.width == width }
        return Set(own.map(\.isRepriorised)).count == 2 ? (width, own) : nil
      }
      let gains = both.map { width, own in
        finding("repriorisation mixes faster at \(width) units", metric, Self.gains(own))
      }
      guard both.count > 1 else { return gains }
      let slopes = rows.map(\.run).distinct.compactMap { run in
        Trend.fit(
          both.flatMap { width, own in
            Self.gains(own.filter { $0.run == run }).map { (x: log10(Double(width)), y: $0) }
          })?.slope.value
      }
      return gains + [
        finding("repriorisation gains more the wider", metric + ", a decade of width", slopes)
      ]
    }
  }

  /// One metric of one head of one run, after Platt scaling where it needs probabilities.
  private struct Quality: Decodable, FetchableRecord {
    var run: String
    var training: String
    var task: String
    var name: String
    var metric: String
    var value: Double
  }

  private func quality() throws -> [DetectionClaims.Finding] {
    let rows = try series.rows(
      """
      SELECT q.run_id AS run, shown.training, q.task, q.name, q.metric, q.value
      FROM (
        SELECT run_id, task, name, metric, value FROM detector
        WHERE position = 'each' AND kind IN ('head', 'bayes') AND metric IN ('auroc', 'aurc')
        UNION ALL SELECT run_id, task, name, metric, value FROM calibrated_metric
        WHERE kind IN ('head', 'bayes') AND calibration = 'platt' AND metric = 'ece') q
      JOIN shown ON shown.run_id = q.run_id
      ORDER BY shown.training, q.task, q.metric, q.name, shown.place
      """
    ).map { try Quality(row: $0) }
    let words: [(metric: String, claim: String, title: String, isPositive: Bool)] = [
      ("ece", "calibrates better", "ECE after Platt", false),
      ("auroc", "detects better", "AUROC", true),
      ("aurc", "leaves less risk", "AURC", false),
    ]
    return rows.chunks(by: { [$0.training, $0.task] }).flatMap { rows in
      let names = Set(rows.map(\.name)).sorted()
      let heads = names.compactMap { try? BayesianHead(named: $0) }
        .sorted { ($0.width, $0.exampleCount, $0.name) < ($1.width, $1.exampleCount, $1.name) }
      // Those of fewer examples are there for how they mix.
      return heads.filter {
        $0.way == .repriorised && $0.exampleCount == BayesianHead.exampleCounts.upperBound
      }.flatMap { head in
        let point = HeadArchitecture(hiddenSizes: [head.width]).name
        let ensembles = heads.filter { other in
          if case .ensemble = other.way { other.width == head.width } else { false }
        }
        let others =
          (names.contains(point) ? [(point, "one training")] : [])
          + ensembles.map { ($0.name, "an ensemble") }
        return others.flatMap { other, title in
          words.compactMap { metric, claim, column, isPositive in
            let own = rows.filter { $0.metric == metric }
            let differences = own.filter { $0.name == head.name }.compactMap { row in
              own.first { $0.name == other && $0.run == row.run }.map { row.value - $0.value }
            }
            return differences.isEmpty
              ? nil
              : DetectionClaims.Finding(
                claim: "a posterior \(claim) than \(title)", training: rows[0].training,
                task: rows[0].task, family: "\(head.name) less \(other)", metric: column,
                estimate: StudentT.mean(differences), isPositive: isPositive)
          }
        }
      }
    }
  }
}

extension ResultTable {
  /// How well the chains of each posterior have mixed, those without other numbers too.
  static let posteriors = ResultTable(
    "posterior", key: "task, name",
    columns: """
        task TEXT NOT NULL, name TEXT NOT NULL, width INTEGER NOT NULL,
        is_repriorised INTEGER NOT NULL CHECK (is_repriorised IN (0, 1)),
        example_count INTEGER, r_hat REAL NOT NULL, effective_per_gradient REAL NOT NULL,
        operations_per_gradient REAL, acceptance REAL NOT NULL, step REAL NOT NULL
      """,
    rows: """
      SELECT json_extract(value, '$.task'), json_extract(value, '$.name'),
        json_extract(value, '$.hidden_sizes[0]'), instr(json_extract(value, '$.name'), '-plain') = 0,
        json_extract(chains, '$.example_count'), json_extract(chains, '$.r_hat'),
        json_extract(chains, '$.effective_per_gradient'),
        json_extract(chains, '$.operations_per_gradient'), json_extract(chains, '$.acceptance'),
        json_extract(chains, '$.step')
      FROM (SELECT d.value, d.key AS place, coalesce(json_extract(d.value, '$.training.chains'),
          json_extract(d.value, '$.unmixed_chains')) AS chains
        FROM detection h, json_each(h.summary, '$.detectors') d WHERE h.key = ?)
      WHERE chains IS NOT NULL ORDER BY place
      """)

  /// Metrics of scores that were made probabilities on the validation part.
  static let calibratedMetrics = ResultTable(
    "calibrated_metric", key: "task, name, calibration, metric",
    columns: """
        task TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        calibration TEXT NOT NULL CHECK (calibration IN ('platt', 'isotonic')),
        metric TEXT NOT NULL, value REAL NOT NULL, lower REAL, upper REAL
      """,
    rows: """
      SELECT d.task, d.kind, d.name, m.calibration, m.metric, m.value, m.lower, m.upper
      FROM detection h JOIN detector d ON d.detection_id = h.id
      JOIN detector_metric m ON m.detector_id = d.id
      WHERE h.key = ? AND m.calibration <> 'none' AND m.metric <> 'prevalence' AND d.position = 'each'
      ORDER BY d.id, m.calibration, m.metric
      """)
}
