import ArgumentParser
import Benchmarks
import Compute
import Console
import LabCore

struct BenchKernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time every op of the kernel table on one thread.",
    discussion: """
      Ops with matrix products show GFLOP/s and their share of the ceiling of large products; all show \
      GB/s and nanoseconds for each value of their result. Shapes are rows x inputs x outputs of a \
      product, sequences x tokens x width x heads of attention. Ops without products are timed once.

      EXAMPLES:
        kglab bench kernels --op linear --width 256,512
        kglab bench kernels --table cpu-avx2 --precision fp32
        kglab bench kernels --op attention,rope --json
      """)

  @Option(help: "The kernel table; by default the fastest this processor has.")
  var table: String?

  @Option(
    help: ArgumentHelp("Only ops whose name has one of these parts.", valueName: "names"))
  var op: String?

  @Option(help: ArgumentHelp("Widths of the model.", valueName: "widths"))
  var width = "64,128,256,512"

  @Option(help: "Tokens of a micro-batch.")
  var rows: Int = 512

  @OptionGroup var arithmetic: ArithmeticOptions

  @Option(help: "Seconds of measuring for each row.")
  var seconds: Double = 0.05

  @Flag(help: "A smoke test: as little measuring as possible.")
  var quick = false

  @OptionGroup var output: BenchOutput

  func validate() throws {
    try OptionRange.require(rows, 1...8_192, "--rows")
    try SecondsOption.check(seconds)
    try OptionList.validate(widths)
  }

  func run() throws {
    let device = try table.map { try Device.named($0) } ?? .cpu
    let names = op?.split(separator: ",").map(String.init) ?? []
    let progress = ProgressReporter()
    let benchmark = KernelBenchmark(
      on: device, widths: try widths(), rows: rows, precisions: try arithmetic.precisions(),
      names: names)
    let result = try benchmark.run(seconds: quick ? 1e-4 : seconds) { progress.update($0) }
    progress.finish()
    guard !result.measurements.isEmpty else {
      throw LabError(
        "--op \(op ?? ""): no op has that in its name; kglab bench kernels lists them all", .usage)
    }
    if output.json { return try Output.json(Report(kernels: device.name, result: result)) }
    var table = TextTable(
      ["op", "shape", "precision", "us", "GFLOP/s", "share", "GB/s", "ns/value"], left: [0, 1])
    for row in result.measurements {
      table.add([
        row.op, row.shape, row.precision.rawValue, Readable.fixed(1e6 * row.seconds, 1),
        row.flopsPerSecond.map(Output.gigas) ?? "-", Readable.percent(row.shareOfCeiling),
        Output.gigas(row.bytesPerSecond), Readable.fixed(row.nanosecondsPerElement, 3),
      ])
    }
    Output.table(table)
    let ceilings = result.ceilings.map {
      "\(Output.gigas($0.flopsPerSecond)) GFLOP/s in \($0.precision.rawValue)"
    }
    Output.line("ceiling of one worker: \(ceilings.joined(separator: ", "))")
    Output.line("measured kernels \(device.name), one thread")
    Output.line("next: kglab bench train, for whole steps")
  }

  private func widths() throws -> [Int] {
    try OptionList.values(width, "--width") { text in
      guard let value = Int(text), value % 32 == 0, (32...8_192).contains(value) else {
        throw LabError("--width '\(text)' must be a multiple of 32 between 32 and 8192", .usage)
      }
      return value
    }
  }

  private struct Report: Encodable {
    let benchmark = "kernels"
    let kernels: String
    let result: KernelBenchmark.Result

    enum CodingKeys: String, CodingKey { case benchmark, kernels }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(benchmark, forKey: .benchmark)
      try container.encode(kernels, forKey: .kernels)
      try result.encode(to: encoder)
    }
  }
}
