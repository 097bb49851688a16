import ArgumentParser
import Compute
import Foundation
import LabCore
import LanguageModel
import Training

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure speed on this machine.", subcommands: [BenchTrain.self],
    defaultSubcommand: BenchTrain.self)
}

struct BenchTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Time whole training steps on random tokens.",
    discussion: """
      The model has SwiGLU, rotary positions and tied embeddings, and no qk-norm, so that its work is \
      that of the peers' scripts; docs/performance.md compares.

      EXAMPLES:
        kglab bench train --shape 2x64x4
        kglab bench train --shape 4x128x4 --sequences 64 --vocabulary 4096 --precision bf16
      """)

  @Option(help: "Layers x width x heads; without it, the four shapes of the lab's own regime.")
  var shape: String?

  @Option(help: "Sequences of a step.")
  var sequences: Int = 16

  @Option(help: "Tokens of a sequence.")
  var context: Int = 128

  @Option(help: "Vocabulary.")
  var vocabulary: Int = 1024

  @Option(help: "Arithmetic of matrix products.")
  var precision: Precision = .fp32

  @OptionGroup var workers: WorkerOptions

  @Option(help: "Seconds of measuring for each shape.")
  var seconds: Double = 3

  @Flag(help: "Print the results as JSON.")
  var json = false

  func validate() throws {
    func require(_ condition: Bool, _ option: String, _ rule: String) throws {
      guard condition else { throw ValidationError("\(option) must be \(rule)") }
    }
    try require((1...65_536).contains(sequences), "--sequences", "between 1 and 65536")
    try require((1...8_192).contains(context), "--context", "between 1 and 8192")
    try require((8...1_000_000).contains(vocabulary), "--vocabulary", "between 8 and 1000000")
    try require(seconds > 0 && seconds <= 3_600, "--seconds", "above 0 and at most 3600")
  }

  func run() throws {
    var rows: [Row] = []
    for shape in shape.map({ [$0] }) ?? ["1x32x2", "2x64x4", "4x96x6", "4x128x4"] {
      let result = try StepBenchmark(
        configuration(shape), sequences: sequences, precision: precision, workers: workers.count
      ).run(seconds: seconds)
      rows.append(
        Row(shape: shape, precision: precision.rawValue, workers: workers.count, result: result))
    }
    if json { return try Output.json(rows) }
    var table = TextTable(["shape", "precision", "workers", "tokens/s", "GFLOP/s", "peak MiB"])
    for row in rows {
      table.add([
        row.shape, row.precision, "\(row.workers)", Output.grouped(Int(row.result.tokensPerSecond)),
        Output.number((row.result.floatingPointOperationsPerSecond / 1e8).rounded() / 10),
        Output.number((row.result.peakMemoryMiB ?? 0).rounded()),
      ])
    }
    table.print()
    Output.line("measured \(sequences) x \(context) tokens a step, vocabulary \(vocabulary)")
    Output.line("next: compare with the peers' numbers in docs/performance.md")
  }

  private func configuration(_ shape: String) throws -> ModelConfiguration {
    let parts = shape.split(separator: "x").compactMap { Int($0) }
    guard parts.count == 3, shape.split(separator: "x").count == 3 else {
      throw ValidationError("--shape '\(shape)' is not LAYERSxWIDTHxHEADS, such as 2x64x4")
    }
    let configuration = ModelConfiguration(
      layerCount: parts[0], modelDimension: parts[1], headCount: parts[2],
      feedForwardDimension: (8 * parts[1] / 3 + 15) / 16 * 16, vocabularySize: vocabulary,
      contextLength: context, tiedEmbeddings: true, queryKeyNorm: false)
    try configuration.validate()
    return configuration
  }

  private struct Row: Encodable {
    let shape: String
    let precision: String
    let workers: Int
    let result: StepBenchmark.Result
  }
}
