import Analysis
import Evaluation
import Foundation
import LabCore
import Report

/// Attention logits of large models forecast from small ones, and held to the largest (arXiv
/// 2309.14322).
struct AttentionLogitForecast {
  let series: ResultSeries
  let command: String

  private static let number = ColumnFormat.number(digits: 4)
  /// Where in the training the logits are taken, as a share of its steps.
  private static let share = 0.2

  /// Runs that differ in size and seed alone.
  private struct Family {
    let training: String
    let learningRate: Double
    let runs: [RunRow]
  }

  /// The largest attention logit of a run's first layer at an early probe.
  private struct Point {
    let run: RunRow
    let logit: Double
    var x: Double { log(Double(run.nonEmbeddingParameters)) }
    var y: Double { log(logit) }
  }

  /// Runs of a family at one probed step: those of small sizes and those of the largest.
  private struct Test {
    let family: Family
    let step: Int
    let small: [Point]
    let largest: [Point]
    let size: String
    let forecast: Estimate
  }

  /// Nothing where no rate was trained at four sizes that were probed.
  func blocks() throws -> [Block] {
    let tests = try tests()
    guard !tests.isEmpty else { return [] }
    return [.figure(figure(tests)), .table(table(tests))]
  }

  private func tests() throws -> [Test] {
    var logits: [String: [Int: Double]] = [:]
    let rows = try series.results.rows(
      """
      SELECT run_id, step, attention_logit_max FROM probe_layer
      WHERE layer = 1 AND attention_logit_max > 0
      """)
    for row in rows { logits[try row.value(0), default: [:]][try row.value(1)] = try row.value(2) }
    let families = series.results.runs.filter { logits[$0.id] != nil }.grouped { run in
      "\(run.graphID) \(run.horizon) \(run.fraction) \(run.variant) \(run.precision) \(run.learningRate)"
    }
    return families.compactMap { _, runs in
      test(
        Family(
          training: series.training(runs[0]), learningRate: runs[0].learningRate, runs: runs),
        logits)
    }
  }

  /// The forecast for the largest size from the others; nil for fewer than three others with a
  /// logit at one step.
  private func test(_ family: Family, _ logits: [String: [Int: Double]]) -> Test? {
    guard let top = family.runs.max(by: { $0.nonEmbeddingParameters < $1.nonEmbeddingParameters })
    else { return nil }
    let small = family.runs.filter { $0.nonEmbeddingParameters < top.nonEmbeddingParameters }
    let shared = small.map { Set((logits[$0.id] ?? [:]).keys) }
    guard var common = shared.first, let steps = small.map(\.steps).min() else { return nil }
    for others in shared.dropFirst() { common.formIntersection(others) }
    let aim = Self.share * Double(steps)
    guard let step = common.sorted().min(by: { abs(Double($0) - aim) < abs(Double($1) - aim) })
    else { return nil }
    func points(_ runs: [RunRow]) -> [Point] {
      runs.compactMap { run in logits[run.id]?[step].map { Point(run: run, logit: $0) } }
    }
    let from = points(small)
    let forecast = QuadraticForecast.at(
      log(Double(top.nonEmbeddingParameters)), from: from.map { (x: $0.x, y: $0.y) })
    guard let forecast else { return nil }
    return Test(
      family: family, step: step, small: from,
      largest: points(
        family.runs.filter { $0.nonEmbeddingParameters == top.nonEmbeddingParameters }),
      size: top.size, forecast: forecast)
  }

  private func figure(_ tests: [Test]) -> Figure {
    var data = Records([
      Column("training", "Training"), Column("learning_rate", "Learning rate"),
      Column("size", "Size"),
      Column("non_embedding_parameters", "Non-embedding parameters", .integer),
      Column("step", "Step", .integer), Column("kind", "Point"),
      Column("attention_logit_max", "Largest attention logit", Self.number),
      Column("lower", "Lower", Self.number), Column("upper", "Upper", Self.number),
    ])
    for test in tests {
      let lead: [Cell] = [
        .text(test.family.training), .text("\(test.family.learningRate)"),
      ]
      func row(_ size: String, _ count: Int, _ kind: String, _ values: [Cell]) {
        data.append(
          lead + [.text(size), .integer(count), .integer(test.step), .text(kind)] + values)
      }
      for point in test.small + test.largest {
        row(
          point.run.size, point.run.nonEmbeddingParameters, "measured",
          [.number(point.logit), .missing, .missing])
      }
      guard let top = test.family.runs.map(\.nonEmbeddingParameters).max() else { continue }
      let interval = test.forecast.interval
      row(
        test.size, top, "forecast",
        [
          .number(exp(test.forecast.value)), Cell(interval.map { exp($0.low) }),
          Cell(interval.map { exp($0.high) }),
        ])
    }
    return Figure(
      id: "attention-logit-vs-size", title: "Attention logits early in training against size",
      caption: """
        Largest attention logit of the first layer at the probed step nearest to a fifth of the training. Lines join what was measured at one \
        learning rate; the forecast of the largest size is by the others alone, with its 95 % interval.
        """,
      command: command, data: data,
      x: Axis("non_embedding_parameters", "Non-embedding parameters", scale: .log, format: .count),
      y: Axis("attention_logit_max", "Largest attention logit", scale: .log),
      color: Channel("learning_rate", "Learning rate", palette: .ordered),
      shape: Channel("kind", "Point"),
      panel: Set(tests.map(\.family.training)).count > 1 ? Channel("training", "Training") : nil,
      marks: [
        .interval(low: "lower", high: "upper"), .line(by: ["learning_rate", "kind"]), .points,
      ],
      tooltip: data.columns.map(\.name))
  }

  private func table(_ tests: [Test]) -> Table {
    var data = Records([
      Column("training", "Training"), Column("learning_rate", "Learning rate", Self.number),
      Column("step", "Step", .integer), Column("sizes", "Sizes (n)", .integer),
      Column("runs", "Runs (n)", .integer), Column("held_out", "Held out"),
      Column("forecast", "Forecast", Self.number), Column("lower", "Lower", Self.number),
      Column("upper", "Upper", Self.number), Column("measured", "Measured", Self.number),
      Column("within", "Within"),
    ])
    for test in tests {
      let (value, interval) = (test.forecast.value, test.forecast.interval)
      let measured = Mean.of(test.largest.map(\.y))
      let isDiverged = test.family.runs.contains {
        $0.size == test.size && $0.status == "diverged"
      }
      let within = measured.flatMap { y in interval.map { $0.contains(y) ? "yes" : "no" } }
      data.append([
        .text(test.family.training), .number(test.family.learningRate), .integer(test.step),
        .integer(Set(test.small.map(\.x)).count), .integer(test.small.count), .text(test.size),
        .number(exp(value)), Cell(interval.map { exp($0.low) }),
        Cell(interval.map { exp($0.high) }), Cell(measured.map(exp)),
        .text((within ?? "not known") + (isDiverged ? ", diverged" : "")),
      ])
    }
    return Table(
      id: "attention-logit-forecast",
      title: "Growth of attention logits, forecast from small sizes",
      caption: """
        For each learning rate a quadratic of the logarithm of the size through the logarithms of the largest attention logits of the first layer, \
        without the largest size, which it then forecasts (arXiv 2309.14322). Intervals are 95 % prediction intervals of one more run by Student's \
        t; three runs have none. Of several seeds at the largest size *measured* is the geometric mean.
        """,
      command: command, data: data)
  }
}
