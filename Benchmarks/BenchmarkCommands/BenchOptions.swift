import ArgumentParser
import Benchmarks
import Compute
import Console
import LabCore
import LanguageModel

/// The option `--workers` of benchmarks: one number or several.
struct WorkerCounts: ParsableArguments {
  @Option(
    name: .customLong("workers"),
    help: ArgumentHelp(
      "Threads; several, such as 1,2, to compare them. By default one a processor, at most 8.",
      valueName: "counts"))
  var requested: String?

  /// The counts in the order asked for.
  func counts() throws -> [Int] {
    guard let requested else { return [MachineResources.defaultWorkerCount] }
    return try OptionList.values(requested, "--workers") { text in
      guard let count = Int(text), (1...256).contains(count) else {
        throw LabError("--workers is \(text); it must be between 1 and 256", .usage)
      }
      return count
    }
  }

  func validate() throws { try OptionList.validate(counts) }
}

/// The options of what is multiplied and for how long.
struct ArithmeticOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Arithmetic of matrix products: fp32, bf16 or fp32,bf16. By default both where the processor "
        + "has bfloat16.", valueName: "kinds"))
  var precision: String?

  /// The precisions in the order asked for.
  func precisions() throws -> [Precision] {
    guard let precision else { return Device.cpu.supportsBF16 ? [.fp32, .bf16] : [.fp32] }
    return try OptionList.cases(precision, "--precision")
  }

  func validate() throws { try OptionList.validate(precisions) }
}

/// How the results are printed.
struct BenchOutput: ParsableArguments {
  @Flag(help: "Print the results as JSON.")
  var json = false
}

/// The option `--seconds` of what is measured.
enum SecondsOption {
  static func check(_ seconds: Double) throws {
    guard seconds > 0, seconds <= 3_600 else {
      throw ValidationError("--seconds is \(seconds); it must be above 0 and at most 3600")
    }
  }
}

/// Shapes as people write them: "2x64x4,4x128x4".
enum ShapeList {
  static func read(_ text: String?, else shapes: [BenchmarkShape]) throws -> [BenchmarkShape] {
    guard let text else { return shapes }
    return try OptionList.values(text, "--shape") { try BenchmarkShape($0) }
  }
}

extension ModelSpeed {
  /// Columns that follow what was measured.
  static let header = ["tokens/s", "GFLOP/s", "ceiling", "share", "peak MiB"]

  var cells: [String] {
    [
      Int(tokensPerSecond).grouped, Output.gigas(flopsPerSecond),
      Output.gigas(ceilingFLOPsPerSecond), Readable.percent(shareOfCeiling),
      peakMemoryMiB.map { Int($0.rounded()).grouped } ?? "-",
    ]
  }
}

extension Output {
  /// Billions with one decimal: "12.3".
  static func gigas(_ value: Double) -> String { Readable.fixed(value / 1e9, 1) }
}
