import ArgumentParser
import Benchmarks
import Compute
import Console
import Detection
import Foundation
import LabCore

struct BenchDetect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Time the training of detectors' heads on made-up features.",
    discussion: """
      linear is logistic regression to a gradient below 1e-4, scikit-learn's default; the MLPs one pass over \
      the rows in batches of 256; ladder all heads of the default ladder as kglab detect trains them. Linear \
      heads are always in single precision. One thread each. --export writes the same features for other programs: features.f32 and labels.u8.

      EXAMPLES:
        kglab bench detect
        kglab bench detect --rows 100000 --width 512 --seconds 5
        kglab bench detect --precision fp32 --export data --json
      """)

  @Option(help: "Examples to learn from.")
  var rows = 20_000

  @Option(help: "Features of each.")
  var width = 256

  @OptionGroup var arithmetic: ArithmeticOptions

  @Option(help: "Seconds of measuring for each row.")
  var seconds: Double = 1

  @Option(help: "Write the features and labels into this folder.")
  var export: String?

  @Flag(help: "A smoke test: as little measuring as possible, on 500 rows.")
  var quick = false

  @OptionGroup var output: BenchOutput

  func validate() throws {
    try SecondsOption.check(seconds)
    try OptionRange.require(rows, 100...10_000_000, "--rows")
    try OptionRange.require(width, 1...65_536, "--width")
  }

  func run() throws {
    Interruption.heed()
    let benchmark = DetectionBenchmark(
      rows: quick ? 500 : rows, width: quick ? 16 : width, precisions: try arithmetic.precisions())
    if let export { try benchmark.export(to: URL(fileURLWithPath: export, isDirectory: true)) }
    let results = try ProgressReporter.during { progress in
      try benchmark.run(seconds: quick ? 1e-3 : seconds) { progress.update($0) }
    }
    if output.json { return try Output.json(BenchReport("detect", results)) }
    var table = TextTable(
      ["work", "precision", "rows", "width", "seconds", "processor s", "passes", "loss"],
      left: [0, 1])
    for row in results {
      table.add([
        row.work, row.precision.rawValue, row.rows.grouped, row.width.grouped,
        Readable.number(row.seconds), Readable.number(row.processorSeconds),
        row.passes.map(\.grouped) ?? "-",
        Readable.fixed(row.loss, 6),
      ])
    }
    Output.table(table)
    Output.line("one thread")
    Output.line("next: python scripts/peers/detectors.py, for scikit-learn on the same features")
  }
}
