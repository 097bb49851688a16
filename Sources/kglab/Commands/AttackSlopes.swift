import Analysis
import ArgumentParser
import Console
import Foundation
import LabCore

/// `kglab attack-slopes`.
struct AttackSlopes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attack-slopes",
    abstract: "How attacks gain from compute: slopes by model size, and offence against defence.",
    discussion: """
      Reads a CSV file with a row for each model, seed and iteration of an attack, such as figures/attack-success.csv of a \
      study. The slope of a model is that of the log-odds of success, base 10, on log10 of the attack's FLOPs \
      (arXiv 2407.18213); rates of 0 and 1 are dropped. With --defence, the column of FLOPs that went into a model's \
      defence, each of them is a model of its own, and the exponent is that of the attack's FLOPs to --target against \
      them. docs/robustness.md defines each number.

      EXAMPLES:
        kglab attack-slopes runs/study/figures/attack-success.csv --where attack=gcg --pretraining training_flops
        kglab attack-slopes attacks.csv --size model_size --seed seed_idx --rate asr --flops flops_per_iteration
        kglab attack-slopes rounds.csv --defence defence_flops --target 0.05 --json
      """)

  @Argument(help: ArgumentHelp("A CSV file with a header.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("The column of parameters.", valueName: "column"))
  var size = "parameters"

  @Option(help: ArgumentHelp("The column that tells trainings apart.", valueName: "column"))
  var seed = "seed"

  @Option(help: ArgumentHelp("The column of iterations.", valueName: "column"))
  var iteration = "iteration"

  @Option(help: ArgumentHelp("The column of success rates, 0 to 1.", valueName: "column"))
  var rate = "success_rate"

  @Option(help: ArgumentHelp("The column of FLOPs an iteration.", valueName: "column"))
  var flops = "flops_per_iteration"

  @Option(
    help: ArgumentHelp("The column of FLOPs of a model's pre-training.", valueName: "column"))
  var pretraining: String?

  @Option(help: ArgumentHelp("The column of FLOPs of a model's defence.", valueName: "column"))
  var defence: String?

  @Option(help: "The success rate whose cost is asked for.")
  var target = 0.05

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Only rows with this value in a column; give it several times for several columns.",
      valueName: "column=value"))
  var conditions: [String] = []

  @OptionGroup var result: ResultOptions

  func validate() throws {
    guard target > 0, target < 1 else {
      throw ValidationError("--target is \(target); it must be above 0 and below 1")
    }
  }

  /// One line of the result.
  private struct Row: Encodable {
    let size: Double
    let seeds: Int
    let points: Int
    let usedPoints: Int
    let slope: Double?
    let lower: Double?
    let upper: Double?
    /// Mean over seeds at the last iteration of all.
    let lastRate: Double?
    let flopsPerIteration: Double
    let lastComputeShare: Double?
    let targetFlops: Double?
  }

  private struct Fitted: Encodable {
    var size: Double?
    let points: Int
    let value: Double
    let lower: Double?
    let upper: Double?
    let explained: Double?
    var side: OffenceDefence.Side?

    init(_ line: OffenceDefence.Line, size: Double? = nil, side: OffenceDefence.Side? = nil) {
      self.size = size
      points = line.slope.count
      value = line.slope.value
      lower = line.slope.interval?.low
      upper = line.slope.interval?.high
      explained = line.explained
      self.side = side
    }
  }

  private struct Outcome: Encodable {
    let target: Double
    var models: [Row]?
    var slopeOfSlopes: Fitted?
    var exponents: [Fitted]?
  }

  /// The points of one model, or of one after an amount of defence.
  private struct Key: Hashable, Comparable {
    let size: Double
    let defence: Double

    static func < (a: Key, b: Key) -> Bool { (a.size, a.defence) < (b.size, b.defence) }
  }

  func run() throws {
    let (models, pretraining) = try models()
    if defence != nil { return try showExponents(models) }
    let all = models.sorted { $0.key < $1.key }
    let rows = all.map { key, model in
      let slope = model.slope()
      let last = model.meanCurve.last
      return Row(
        size: key.size, seeds: model.seeds.count, points: model.points.count,
        usedPoints: model.usedCount, slope: slope?.value, lower: slope?.interval?.low,
        upper: slope?.interval?.high, lastRate: last?.rate,
        flopsPerIteration: model.flopsPerIteration,
        lastComputeShare: pretraining[key].flatMap { pretraining in
          last.map { $0.iteration * model.flopsPerIteration / pretraining }
        },
        targetFlops: model.iteration(reaching: target).map { $0 * model.flopsPerIteration })
    }
    let slopes = rows.compactMap { row in row.slope.map { (size: row.size, slope: $0) } }
    let line = OffenceDefence.slopeOfSlopes(slopes)
    if result.json {
      return try Output.json(
        Outcome(target: target, models: rows, slopeOfSlopes: line.map { Fitted($0) }))
    }
    var table = TextTable([
      "parameters", "seeds", "points", "slope", "95 % interval over seeds", "rate at the end",
      "FLOPs an iteration", "FLOPs to \(Readable.percent(target))", "share of pre-training",
    ])
    for row in rows {
      table.add([
        Readable.count(row.size), "\(row.seeds)", "\(row.usedPoints) of \(row.points)",
        Readable.fixed(row.slope, 2), Readable.interval(row.lower, row.upper, "%.2f", scale: 1),
        Readable.percent(row.lastRate), Readable.number(row.flopsPerIteration),
        row.targetFlops.map(Readable.number) ?? "not reached",
        row.lastComputeShare.map(Readable.number) ?? "-",
      ])
    }
    Output.table(table)
    guard let line else {
      return Output.line("one size has a slope; a slope of slopes takes two sizes or more")
    }
    Output.line(
      "slope of slopes " + words(line) + " where a model is ten times as large")
  }

  private func showExponents(_ models: [Key: AttackedModel]) throws {
    var exponents: [Fitted] = []
    var table = TextTable([
      "parameters", "points", "exponent", "95 % interval over points", "R²", "gains",
    ])
    for (size, own) in Dictionary(grouping: models, by: \.key.size).sorted(by: { $0.key < $1.key })
    {
      let points = own.sorted { $0.key < $1.key }.compactMap { key, model in
        key.defence > 0
          ? model.iteration(reaching: target).map {
            (defence: key.defence, attack: $0 * model.flopsPerIteration)
          } : nil
      }
      guard let line = OffenceDefence.exponent(points) else { continue }
      let fitted = Fitted(line, size: size, side: OffenceDefence.Side(exponent: line.slope))
      exponents.append(fitted)
      table.add([
        Readable.count(size), "\(fitted.points)", Readable.fixed(fitted.value, 2),
        Readable.interval(fitted.lower, fitted.upper, "%.2f", scale: 1),
        Readable.fixed(fitted.explained, 2), fitted.side?.rawValue ?? "-",
      ])
    }
    guard !exponents.isEmpty else {
      throw LabError(
        "no model reaches a success rate of \(Readable.percent(target)) after two different amounts of defence above "
          + "0; lower --target")
    }
    if result.json { return try Output.json(Outcome(target: target, exponents: exponents)) }
    Output.table(table)
    Output.line(
      "FLOPs to a success rate of \(Readable.percent(target)) grow as those of defence to this power; 1 is parity"
    )
  }

  private func words(_ line: OffenceDefence.Line) -> String {
    let interval = line.slope.interval.map {
      ", 95 % \(Readable.fixed($0.low, 2)) to \(Readable.fixed($0.high, 2))"
    }
    return Readable.fixed(line.slope.value, 2) + " (R² \(Readable.fixed(line.explained, 2))"
      + (interval ?? "") + " over \(line.slope.count) sizes)"
  }

  /// The rows of the file by model, and the FLOPs of its pre-training where they are given.
  private func models() throws -> (models: [Key: AttackedModel], pretraining: [Key: Double]) {
    let csv = try CSVTable(URL(fileURLWithPath: file))
      .rows(meeting: conditions, of: "--where", example: "attack=gcg")
    let sizes = try csv.numbers(size)
    let seeds = try csv.numbers(seed)
    let iterations = try csv.numbers(iteration)
    let rates = try csv.numbers(rate)
    let costs = try csv.numbers(flops)
    let defences = try defence.map { try csv.numbers($0) }
    let pretrainings = try pretraining.map { try csv.numbers($0) }
    var points: [Key: [AttackedModel.Point]] = [:]
    var before: [Key: Double] = [:]
    var seen: Set<[Double]> = []
    for row in sizes.indices {
      guard let size = sizes[row], let seed = seeds[row], let iteration = iterations[row],
        let rate = rates[row], let cost = costs[row]
      else { continue }
      let place = csv.place(ofRow: row)
      guard size > 0, iteration >= 0, cost > 0, (0...1).contains(rate),
        let seed = Int(exactly: seed)
      else {
        throw LabError(
          "\(place) cannot be: parameters and FLOPs are above 0, iterations at least 0, rates from 0 to 1 and seeds "
            + "whole numbers; mend the row, or name the columns")
      }
      let key = Key(size: size, defence: defences?[row] ?? 0)
      guard seen.insert([size, key.defence, Double(seed), iteration]).inserted else {
        throw LabError(
          "\(place) is the second of one model, seed and iteration; choose one attack with --where")
      }
      points[key, default: []].append(
        AttackedModel.Point(seed: seed, iteration: iteration, rate: rate, flops: cost))
      if let value = pretrainings?[row], value > 0 { before[key] = value }
    }
    guard !points.isEmpty else {
      throw LabError("\(file) has no row with a number in every column; see its header")
    }
    let models = points.map { ($0, AttackedModel(size: $0.size, points: $1)) }
    return (Dictionary(uniqueKeysWithValues: models), before)
  }
}
