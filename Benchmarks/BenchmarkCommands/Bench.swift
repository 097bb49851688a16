package import ArgumentParser
import Compute
import Console
import LabCore

/// `kglab bench`.
package struct Bench: ParsableCommand {
  package static let configuration = CommandConfiguration(
    abstract: "Measure speed on this machine.",
    discussion: """
      Rates stand beside a ceiling: the best rate of large matrix products, in the same arithmetic and with \
      as many workers, measured right after the work itself. docs/performance.md says how everything is \
      counted.
      """,
    subcommands: [
      BenchTrain.self, BenchGenerate.self, BenchEvaluate.self, BenchDetect.self, BenchKernels.self,
      BenchGraph.self, BenchLadder.self, BenchTangents.self,
    ],
    defaultSubcommand: BenchTrain.self)

  package init() {}
}

/// What `--json` prints for every benchmark.
struct BenchReport<Row: Encodable>: Encodable {
  let benchmark: String
  /// Name of the kernel table.
  let kernels = Device.cpu.name
  let processors = MachineResources.processorCount
  let rows: [Row]

  init(_ benchmark: String, _ rows: [Row]) {
    self.benchmark = benchmark
    self.rows = rows
  }
}
