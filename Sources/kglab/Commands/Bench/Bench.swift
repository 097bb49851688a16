import ArgumentParser
import Benchmarks
import Foundation
import LabCore

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure speed on this machine.",
    discussion: """
      Rates stand beside a ceiling: the best rate of large matrix products, in the same arithmetic and with \
      as many workers, measured right after the work itself. docs/performance.md says how everything is \
      counted.
      """,
    subcommands: [
      BenchTrain.self, BenchGenerate.self, BenchEvaluate.self, BenchDetect.self, BenchKernels.self,
      BenchGraph.self, BenchLadder.self,
    ],
    defaultSubcommand: BenchTrain.self)
}

/// What `--json` prints for every benchmark.
struct BenchReport<Row: Encodable>: Encodable {
  let benchmark: String
  /// Name of the kernel table.
  let kernels: String
  let processors = MachineResources.processorCount
  let rows: [Row]
}

/// Checks of options that several benchmarks share.
enum BenchCheck {
  static func require(_ value: Int, _ range: ClosedRange<Int>, _ option: String) throws {
    guard range.contains(value) else {
      throw ValidationError(
        "\(option) must be between \(range.lowerBound) and \(range.upperBound)")
    }
  }

  static func seconds(_ value: Double) throws {
    guard value > 0, value <= 3_600 else {
      throw ValidationError("--seconds must be above 0 and at most 3600")
    }
  }
}
