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
      Reads a CSV file, or the runs of a study's folder (its figures/runs.csv). The form power is y = E + A x^-alpha; \
      chinchilla is L(N, D) = E + A N^-alpha + B D^-beta, with D = FLOPs / (6 N) where --flops is given. Fitted by \
      the summed Huber loss on logarithms from a grid of starts, as arXiv 2203.15556 and its refit 2404.10102; \
      intervals are 95 % by resampling runs. A fit that the runs do not determine is refused.

      EXAMPLES:
        kglab fit runs/quickstart --size non_embedding_parameters --value fvs_rate --where epochs=100
        kglab fit runs.csv --form chinchilla --size model_size --flops training_flop --value loss --drop-worst 5 --json
      """)

  enum Form: String, ExpressibleByArgument, CaseIterable { case power, chinchilla }

  @Argument(
    help: ArgumentHelp("A CSV file with a header, or the folder of a study.", valueName: "runs"))
  var table: String

  @Option(help: "The law: power or chinchilla.")
  var form: Form = .power

  @Option(
    help: ArgumentHelp("The column of sizes, or of any x of a power law.", valueName: "column"))
  var size: String

  @Option(help: ArgumentHelp("The column of training FLOPs, for chinchilla.", valueName: "column"))
  var flops: String?

  @Option(help: ArgumentHelp("The column of training tokens, for chinchilla.", valueName: "column"))
  var tokens: String?

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
    guard (form == .chinchilla) == ((flops == nil) != (tokens == nil)),
      form == .chinchilla || flops == nil
    else {
      throw ValidationError(
        "the form chinchilla takes one of --flops and --tokens, the form power neither")
    }
  }

  /// What `--json` prints.
  private struct Outcome: Encodable {
    let form: String
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
    let fit = try ScalingFit(points, values, options: options)
    let heldOut = try holdOutLargest ? HeldOutError(points, values, options: options) : nil
    let names = [("A", "alpha"), ("B", "beta")]
    var parameters = [("E", fit.floor)]
    for (term, (coefficient, exponent)) in zip(fit.exponents.indices, names) {
      parameters += [(coefficient, fit.coefficients[term]), (exponent, fit.exponents[term])]
    }
    if result.json {
      return try Output.json(
        Outcome(
          form: form.rawValue, parameters: Dictionary(uniqueKeysWithValues: parameters),
          runs: values.count, leftOut: leftOut, loss: fit.loss, resamples: resamples,
          heldOut: heldOut))
    }
    Output.line(
      "runs           \(values.count.grouped)"
        + (leftOut > 0 ? ", \(leftOut.grouped) left out" : ""))
    Output.line(
      "law            "
        + (form == .power
          ? "\(value) = E + A \(size)^-alpha"
          : "\(value) = E + A N^-alpha + B D^-beta, N = \(size)"))
    var table = TextTable(["parameter", "value", "95 % interval over runs", "standard error"])
    for (name, parameter) in parameters {
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

  /// One x for each term and the value of every run that has all of them.
  private func runs() throws -> (points: [[Double]], values: [Double], leftOut: Int) {
    let url = URL(fileURLWithPath: table)
    let file =
      FileKind.of(url) == .folder ? url.appendingPathComponent("figures/runs.csv") : url
    var csv = try CSVTable(file)
    for condition in conditions {
      let parts = condition.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw LabError("--where '\(condition)' is no column=value, such as epochs=100", .usage)
      }
      csv = try csv.rows(where: String(parts[0]), is: String(parts[1]))
    }
    let sizes = try csv.numbers(size)
    let others = try (flops ?? tokens).map { try csv.numbers($0) }
    let values = try csv.numbers(value)
    var rows: [(point: [Double], value: Double)] = []
    for row in values.indices {
      guard let y = values[row], let x = sizes[row] else { continue }
      var point = [x]
      if let others {
        guard let other = others[row] else { continue }
        point.append(flops == nil ? other : other / (6 * x))
      }
      guard y > 0, point.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw LabError(
          "\(csv.place(ofRow: row)) has a number that is not above 0, and the law is of logarithms; "
            + "leave the row out")
      }
      rows.append((point, y))
    }
    guard dropWorst < rows.count else {
      throw LabError("--drop-worst \(dropWorst) leaves none of the \(rows.count) runs", .usage)
    }
    let worst = Set(rows.indices.sorted { rows[$0].value > rows[$1].value }.prefix(dropWorst))
    let kept = rows.indices.filter { !worst.contains($0) }.map { rows[$0] }
    return (kept.map(\.point), kept.map(\.value), csv.rows.count - kept.count)
  }
}
