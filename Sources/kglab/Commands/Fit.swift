import Analysis
import ArgumentParser
import Console
import Foundation
import LabCore

/// `kglab fit`.
struct Fit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fit a scaling law to a table of runs, with intervals over runs.",
    discussion: """
      Reads a CSV file, or the runs of a study's folder (its figures/runs.csv).

      FORMS
        power             y = E + A x^-alpha
        chinchilla        L(N, D) = E + A N^-alpha + B D^-beta; D = FLOPs / (6 N) where --flops is given
        data-constrained  the same of effective N and D, where --unique tokens are repeated
        sigmoid           y = floor + (ceiling - floor) / (1 + (x / middle)^slope)
        broken-power      y = a + b x^-c0 (1 + (x / d)^(1 / f))^(-c1 f)
        rate              rate / (1 - rate) = K N^-alpha T^-beta F^gamma; T is --exposures, F --facts; both may be left out, or F

      Fitted by the summed Huber loss on logarithms (rate: on logits) from a grid of starts, as arXiv 2203.15556 and \
      its refit 2404.10102; intervals are 95 % by resampling runs. A fit that the runs do not determine is refused.

      EXAMPLES:
        kglab fit runs/quickstart --size non_embedding_parameters --value fvs_rate --where epochs=100
        kglab fit runs/quickstart --form rate --size non_embedding_parameters --exposures epochs --value fvs_rate
        kglab fit runs.csv --form chinchilla --size model_size --flops training_flop --value loss --drop-worst 5 --json
      """)

  @Argument(
    help: ArgumentHelp("A CSV file with a header, or the folder of a study.", valueName: "runs"))
  var table: String

  @Option(help: "The law, one of those above.")
  var form: ScalingForm = .power

  @Option(
    help: ArgumentHelp("The column of sizes, or of any x of a power law.", valueName: "column"))
  var size: String

  @Option(
    help: ArgumentHelp("The column of training FLOPs, in place of --tokens.", valueName: "column"))
  var flops: String?

  @Option(
    help: ArgumentHelp(
      "The column of training tokens, for chinchilla and data-constrained.", valueName: "column"))
  var tokens: String?

  @Option(
    help: ArgumentHelp(
      "The column of unique training tokens, for data-constrained.", valueName: "column"))
  var unique: String?

  @Option(
    help: ArgumentHelp("The column of exposures of a fact, for rate.", valueName: "column"))
  var exposures: String?

  @Option(
    help: ArgumentHelp("The column of facts that are taught, for rate.", valueName: "column"))
  var facts: String?

  @Option(
    help: ArgumentHelp("The column of what is fitted: a loss or a rate.", valueName: "column"))
  var value: String

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Only rows with this value in a column; give it several times for several columns.",
      valueName: "column=value"))
  var conditions: [String] = []

  @Option(help: "Leave out this many runs of the highest value.")
  var dropWorst: Int = 0

  @Flag(help: "Fit without the largest size, and say how far off it is there, beside two guesses.")
  var holdOutLargest = false

  @Option(help: "Resamples of the runs behind the intervals; 0 for none.")
  var resamples: Int = 1_000

  @Option(help: "Seed of the resamples.")
  var seed: UInt64 = 0

  @OptionGroup var result: ResultOptions

  func validate() throws {
    try OptionRange.require(resamples, 0...100_000, "--resamples")
    try OptionRange.require(dropWorst, 0...1_000_000, "--drop-worst")
    let takesData = form == .chinchilla || form == .dataConstrained
    guard takesData ? (flops == nil) != (tokens == nil) : flops == nil && tokens == nil else {
      throw ValidationError(
        takesData
          ? "the form \(form.rawValue) takes one of --flops and --tokens"
          : "the form \(form.rawValue) takes neither --flops nor --tokens")
    }
    guard (unique != nil) == (form == .dataConstrained) else {
      throw ValidationError("the form data-constrained takes --unique, and no other does")
    }
    guard form == .rate || (exposures == nil && facts == nil) else {
      throw ValidationError("the form rate takes --exposures and --facts, and no other does")
    }
    guard facts == nil || exposures != nil else {
      throw ValidationError("--facts stands beside --exposures; give both")
    }
  }

  /// What `--json` prints.
  private struct Outcome: Encodable {
    let form: String
    /// What the loss is measured on: the logarithm or the logit.
    let scale: String
    let parameters: [String: ScalingFit.Parameter]
    let runs: Int
    /// Rows without a value, and those of highest value that were left out.
    let leftOut: Int
    let loss: Double
    let resamples: Int
    let heldOut: HeldOutError?
  }

  func run() throws {
    let (points, values, leftOut) = try runs()
    var options = ScalingFit.Options()
    options.resampleCount = resamples
    options.seed = Seed(seed)
    options.variables = columns
    let fit = try ScalingFit(form, points, values, options: options)
    let heldOut = try holdOutLargest ? HeldOutError(form, points, values, options: options) : nil
    if result.json {
      return try Output.json(
        Outcome(
          form: form.rawValue, scale: form.scale.rawValue,
          parameters: Dictionary(uniqueKeysWithValues: zip(fit.names, fit.parameters)),
          runs: values.count, leftOut: leftOut, loss: fit.loss, resamples: resamples,
          heldOut: heldOut))
    }
    Output.line(
      "runs           \(values.count.grouped)"
        + (leftOut > 0 ? ", \(leftOut.grouped) left out" : ""))
    Output.line("law            " + form.formula(columns, value: value))
    var table = TextTable(["parameter", "value", "95 % interval over runs", "standard error"])
    for (name, parameter) in zip(fit.names, fit.parameters) {
      table.add([
        name, Readable.number(parameter.value),
        Readable.interval(parameter.lower, parameter.upper, "%.4g", scale: 1),
        parameter.standardError.map(Readable.number) ?? "-",
      ])
    }
    Output.table(table)
    if fit.isLoose {
      Output.line("note           the runs hardly determine the exponents; add runs of other sizes")
    }
    if let heldOut {
      Output.line(
        "held out       \(heldOut.runCount.grouped) runs of \(Readable.number(heldOut.largest)): mean error "
          + "\(Readable.percent(heldOut.law)) by the law, \(Readable.percent(heldOut.bestSeen)) by the best value seen, "
          + "\(Readable.percent(heldOut.largestSeen)) by that of the largest run seen")
    }
  }

  /// The columns of the law's variables, in its order.
  private var columns: [String] {
    [size]
      + [flops == nil ? tokens : "\(flops ?? "") / 6N", unique, exposures, facts].compactMap(\.self)
  }

  /// One x for each variable and the value of every run that has all of them.
  private func runs() throws -> (points: [[Double]], values: [Double], leftOut: Int) {
    let url = URL(fileURLWithPath: table)
    let file =
      FileKind.of(url) == .folder ? url.appendingPathComponent("figures/runs.csv") : url
    let csv = try CSVTable(file)
      .rows(meeting: conditions, of: "--where", example: "epochs=100")
    let sizes = try csv.numbers(size)
    let others = try [flops ?? tokens, unique, exposures, facts].compactMap(\.self)
      .map { try csv.numbers($0) }
    let values = try csv.numbers(value)
    var rows: [(point: [Double], value: Double)] = []
    for row in values.indices {
      let rest = others.compactMap { $0[row] }
      guard let y = values[row], let x = sizes[row], rest.count == others.count else { continue }
      var point = [x] + rest
      if flops != nil { point[1] /= 6 * x }
      guard y > 0, point.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw LabError(
          "\(csv.place(ofRow: row)) has a number that is not above 0, and the law is of logarithms; "
            + "leave the row out")
      }
      guard form.scale == .log || y < 1 else {
        throw LabError(
          "\(csv.place(ofRow: row)) has \(value) \(y), and the form rate is of shares below 1; leave the row out"
        )
      }
      rows.append((point, y))
    }
    guard !rows.isEmpty else {
      throw LabError("\(file.relativePath) has no run with a number in every column that is named")
    }
    guard dropWorst < rows.count else {
      throw LabError("--drop-worst \(dropWorst) leaves none of the \(rows.count) runs", .usage)
    }
    let worst = Set(rows.indices.sorted { rows[$0].value > rows[$1].value }.prefix(dropWorst))
    let kept = rows.indices.filter { !worst.contains($0) }.map { rows[$0] }
    return (kept.map(\.point), kept.map(\.value), csv.rows.count - kept.count)
  }
}

extension ScalingForm: ExpressibleByArgument {}
