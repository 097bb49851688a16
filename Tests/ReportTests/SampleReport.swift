import Foundation
import Report

/// A report with every kind of block, its numbers invented by a formula.
enum SampleReport {
  static let sizes = [3_120, 9_492, 31_320, 98_688, 302_400, 1_048_000]

  /// A made-up rate with the shape of the published one.
  static func rate(_ size: Int, _ epochs: Int, _ visibility: String) -> Double {
    let floor = visibility == "IVS" ? 0.55 : visibility == "PVS" ? 0.05 : 0.006
    let reach = visibility == "IVS" ? 0.06 : 0.6 - floor
    let middle = epochs == 100 ? 4.0 : 5.2
    return floor + reach / (1 + exp(3.2 * (log10(Double(size)) - middle)))
  }

  static func interval(_ rate: Double, _ half: Double) -> [Cell] {
    [.number(max(0, rate - half)), .number(min(1, rate + half))]
  }

  static let rateColumns = [
    Column("visibility", "Visibility"), Column("epochs", "Epochs", .integer),
    Column("size", "Size (non-embedding parameters)", .count),
    Column("unique_tokens_per_parameter", "u", .number(digits: 2)),
    Column("flops", "Training FLOPs", .scientific),
    Column("rate", "Hallucination rate", .percent(digits: 1)),
    Column("low", "Low", .percent(digits: 1)), Column("high", "High", .percent(digits: 1)),
  ]

  static let rates: Records = {
    var records = Records(rateColumns)
    for visibility in ["FVS", "PVS", "IVS"] {
      for epochs in [20, 100] {
        for size in sizes {
          let rate = rate(size, epochs, visibility)
          let half = visibility == "FVS" ? 0.012 : 0.03
          records.append(
            [
              .text(visibility), .integer(epochs), .integer(size),
              .number(51_000 / Double(size)),
              .number(6 * Double(size) * 51_000 * Double(epochs)), .number(rate),
            ] + interval(rate, half))
        }
      }
    }
    return records
  }()

  static let rateBySize = Figure(
    id: "rate-by-size", title: "Hallucination rate against model size",
    caption: """
      Exact rate at temperature 1 for queries whose facts were all trained on (FVS), partly (PVS) \
      and never (IVS). Bars are 95 % intervals by bootstrap over subjects.
      """,
    command: "kglab report runs/quickstart", data: rates,
    x: Axis("size", "Non-embedding parameters", scale: .log),
    y: Axis("rate", "Hallucination rate", includesZero: true),
    color: Channel("epochs", "Epochs"), panel: Channel("visibility", "Visibility"),
    marks: [.interval(low: "low", high: "high"), .line(), .points],
    rules: [Rule(.horizontal(0.05), "5 %", panel: "FVS")],
    tooltip: ["visibility", "epochs", "size", "rate"])

  static let rateByU: Figure = {
    var data = Records([Column("source", "Source")] + rateColumns)
    for row in rates.rows where row[0] == "FVS" {
      data.append([.text("this study, \(row[1].plain) epochs")] + row)
    }
    let published: [(u: Double, rate: Double)] = [
      (0.05, 0.067), (0.20, 0.092), (0.50, 0.163), (0.71, 0.162), (2, 0.359), (3.2, 0.338),
      (7.1, 0.47), (25, 0.504), (32, 0.54), (255, 0.579),
    ]
    for point in published {
      data.append([
        "Hron et al. 2024, 20 epochs, read from its figures", "FVS", 20, .missing,
        .number(point.u), .missing, .number(point.rate), .missing, .missing,
      ])
    }
    return Figure(
      id: "rate-by-u", title: "Hallucination rate against unique tokens per parameter",
      caption: "Trained facts. *u* is unique training tokens over non-embedding parameters.",
      command: "kglab report runs/quickstart", data: data,
      x: Axis("unique_tokens_per_parameter", "u, unique tokens per parameter", scale: .log),
      y: Axis("rate", "Hallucination rate", includesZero: true),
      color: Channel("source", "Source"),
      marks: [.interval(low: "low", high: "high"), .line(), .points],
      tooltip: ["source", "unique_tokens_per_parameter", "rate"],
      muted: ["Hron et al. 2024, 20 epochs, read from its figures"],
      fit: FittedCurves(
        Records(
          [
            data.columns[0], Column("unique_tokens_per_parameter", "u"),
            Column("rate", "Rate"), Column("lower", "Lower"), Column("upper", "Upper"),
          ],
          [0.05, 0.5, 5].map { u in
            ["this study, 20 epochs", .number(u), .number(0.1 + 0.05 * u), .number(0.1), 0.5]
          } + [0.05, 0.5].map { ["this study, 100 epochs", .number($0), 0.2, .missing, .missing] }))
    )
  }()

  static let rateByFlops: Figure = {
    var data = Records(rateColumns)
    for row in rates.rows where row[0] != "PVS" {
      data.append(row)
      var early = row
      if row[1] == 20, let rate = row[5].finite, let flops = row[4].finite {
        early[1] = 5
        early[4] = .number(flops / 4)
        early[5] = .number(min(0.62, rate + 0.08))
        early[6] = .missing
        early[7] = .missing
        data.append(early)
      }
    }
    return Figure(
      id: "rate-by-flops", title: "Hallucination rate against training compute",
      caption: "One line per model size, one marker per epoch count.",
      command: "kglab report runs/quickstart", data: data,
      x: Axis("flops", "Training FLOPs", scale: .log),
      y: Axis("rate", "Hallucination rate", includesZero: true),
      color: Channel("size", "Parameters", palette: .ordered), shape: Channel("epochs", "Epochs"),
      panel: Channel("visibility", "Visibility"), marks: [.line(), .points],
      tooltip: ["visibility", "size", "epochs", "rate"])
  }()

  static let detectorColumns = [
    Column("metric", "Metric"), Column("task", "Task"), Column("size", "LM size", .count),
    Column("rate", "LM hallucination rate", .percent(digits: 1)),
    Column("value", "Score", .number(digits: 3)), Column("low", "Low", .number(digits: 3)),
    Column("high", "High", .number(digits: 3)),
  ]

  static let detectors: Figure = {
    var data = Records(detectorColumns)
    for metric in ["AUC-PR", "AUROC"] {
      for task in ["sentence", "token"] {
        for size in sizes {
          let rate = rate(size, 100, "FVS")
          let gap = task == "token" ? 0.09 : 0
          let value =
            metric == "AUROC" ? 0.93 - gap / 2 - rate / 20 : 0.52 + 0.46 * pow(rate, 0.4) - gap
          data.append(
            [.text(metric), .text(task), .integer(size), .number(rate), .number(value)]
              + interval(value, 0.03))
        }
      }
    }
    return Figure(
      id: "detector-by-rate", title: "Detector quality against the LM's hallucination rate",
      caption: """
        Best `head` detector of each task. Chance for AUC-PR is the prevalence, which falls as the \
        LM grows; for AUROC it is one half at any prevalence.
        """,
      command: "kglab detect runs/quickstart/models/3f2a --kind head --task sentence", data: data,
      x: Axis("rate", "LM hallucination rate", includesZero: true),
      y: Axis("value", "Area under the curve", domain: 0...1, format: .number(digits: 1)),
      color: Channel("task", "Task"), panel: Channel("metric", "Metric"),
      marks: [.interval(low: "low", high: "high"), .line(), .points],
      rules: [
        Rule(.identity, "chance = prevalence", panel: "AUC-PR"),
        Rule(.horizontal(0.5), "chance", panel: "AUROC"),
      ], tooltip: ["metric", "task", "rate", "value"])
  }()

  static let runs: Table = {
    var data = Records([
      Column("run", "Run"), Column("epochs", "Epochs", .integer),
      Column("size", "Size", .count), Column("parameters", "Total parameters", .integer),
      Column("fvs", "FVS rate", .percent(digits: 1)),
      Column("ivs", "IVS rate", .percent(digits: 1)),
      Column("flops", "FLOPs", .scientific), Column("confused", "Most confused object"),
      Column("seconds", "Seconds", .number(digits: 1)),
    ])
    for (index, row) in rates.rows.enumerated() where row[0] == "FVS" {
      let size = Int(row[2].finite ?? 0)
      let epochs = Int(row[1].finite ?? 0)
      data.append([
        .text("run \(index)"), row[1], row[2], .integer(size + 9_816), row[5],
        index == 3 ? .missing : .number(rate(size, epochs, "IVS")), row[4],
        .text(index == 1 ? hostile : "University of Lorvane"), .number(Double(size) / 9_000),
      ])
    }
    return Table(
      id: "runs", title: "Every run", caption: "Click a heading to sort.",
      command: "kglab inspect runs/quickstart --json", data: data)
  }()

  /// A name that tries to leave its place.
  static let hostile = "\"><script>alert('x')</script> & <b>Ärzte</b>\u{1}"

  /// The page, written once for all tests.
  static let html = Result { try ReportPage.html(document) }

  static let document = ReportDocument(
    title: "Quickstart: hallucination against scale",
    subtitle: "12 runs on a generated graph of 7,214 triples, seed 7. Invented numbers, for tests.",
    introduction: [
      """
      How does the share of hallucinated answers change with model size and with the number of \
      epochs? Every training text comes from a graph, so each answer is *provably* right or \
      hallucinated: see Hron et al. 2024.
      """
    ],
    headlines: [
      Headline("Size for ≤ 5 % on trained facts", "28.4k", detail: "95 % interval 25.1k to 31.0k"),
      Headline(
        "Rate on trained facts", "0.9 %", detail: "at 98.7k, 100 epochs; 0.6\u{A0}% to 1.3\u{A0}%"),
      Headline(
        "Rate on unseen queries", "55 to 61\u{A0}%", detail: "moves by 6 points over all sizes"),
      Headline("AUROC, sentence task", "0.92", detail: "median of 6 LMs"),
    ],
    sections: [
      ReportSection(
        "Hallucination rate",
        [
          .paragraph("Rates fall with size on trained facts and barely move on unseen ones."),
          .figure(rateBySize), .figure(rateByU), .figure(rateByFlops),
          .note("The name \(hostile) and `code` stay text."),
        ]),
      ReportSection(
        "Detectors",
        [
          .list(["Prevalence is always printed.", "Splits are disjoint by subject."]),
          .figure(detectors),
        ]),
      ReportSection("Runs", [.table(runs)]),
    ],
    colophon: ["kglab 0.1, graph `3f2a9c01`. Made by `kglab report runs/quickstart`."])
}
