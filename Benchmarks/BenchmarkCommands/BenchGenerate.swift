import ArgumentParser
import Benchmarks
import Compute
import Console
import LabCore
import LanguageModel

struct BenchGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Time greedy generation with a key-value cache.",
    discussion: """
      A random model writes after random prompts; tokens a second are those written. Workers share the \
      prompts.

      EXAMPLES:
        kglab bench generate
        kglab bench generate --shape 4x128x4 --workers 1,2
        kglab bench generate --prompts 1024 --batch 128 --precision fp32
      """)

  @Option(
    help: ArgumentHelp(
      "Layers x width x heads, one or several; by default 4x128x4 and 6x256x8.",
      valueName: "shapes"))
  var shape: String?

  @Option(help: "Prompts of a generation.")
  var prompts: Int = 256

  @Option(help: "Tokens of a prompt.")
  var promptLength: Int = 8

  @Option(help: "Tokens written after each prompt.")
  var newTokens: Int = 8

  @Option(help: "Prompts a worker takes at a time; by default an equal share.")
  var batch: Int?

  @Option(help: "Vocabulary.")
  var vocabulary: Int = 4096

  @OptionGroup var arithmetic: ArithmeticOptions

  @OptionGroup var workers: WorkerCounts

  @Option(help: "Seconds of measuring for each row.")
  var seconds: Double = 3

  @Flag(help: "A smoke test: as little measuring as possible.")
  var quick = false

  @OptionGroup var output: BenchOutput

  func validate() throws {
    try OptionRange.require(prompts, 1...65_536, "--prompts")
    try OptionRange.require(promptLength, 1...8_192, "--prompt-length")
    try OptionRange.require(newTokens, 1...8_192, "--new-tokens")
    try OptionRange.require(batch, 1...65_536, "--batch")
    try OptionRange.require(vocabulary, 8...1_000_000, "--vocabulary")
    try SecondsOption.check(seconds)
    try OptionList.validate { try ShapeList.read(shape, else: []) }
  }

  func run() throws {
    let progress = ProgressReporter()
    var rows: [Row] = []
    for shape in try ShapeList.read(shape, else: BenchmarkRegime.generation.shapes) {
      for precision in try arithmetic.precisions() {
        for count in try workers.counts() {
          progress.update("\(shape) \(precision.rawValue), \(count) workers")
          let benchmark = GenerationBenchmark(
            shape.configuration(
              vocabularySize: vocabulary, contextLength: promptLength + newTokens),
            prompts: prompts, promptLength: promptLength, newTokens: newTokens, batch: batch,
            precision: precision, workers: count)
          rows.append(
            Row(
              shape: shape.description, precision: precision, workers: count, prompts: prompts,
              promptLength: promptLength, newTokens: newTokens, vocabularySize: vocabulary,
              result: try benchmark.run(seconds: quick ? 0.05 : seconds)))
        }
      }
    }
    progress.finish()
    if output.json { return try Output.json(BenchReport("generate", rows)) }
    var table = TextTable(["shape", "precision", "workers"] + ModelSpeed.header)
    for row in rows {
      table.add([row.shape, row.precision.rawValue, "\(row.workers)"] + row.result.cells)
    }
    Output.table(table)
    Output.line(
      "measured \(prompts) prompts of \(promptLength) tokens, \(newTokens) new ones each, vocabulary "
        + "\(vocabulary), kernels \(Device.cpu.name)")
    Output.line("next: kglab bench kernels, for where the time goes")
  }

  private struct Row: Encodable {
    let shape: String
    let precision: Precision
    let workers: Int
    let prompts: Int
    let promptLength: Int
    let newTokens: Int
    let vocabularySize: Int
    let result: ModelSpeed

    enum CodingKeys: String, CodingKey {
      case shape, precision, workers, prompts, result
      case promptLength = "prompt_length"
      case newTokens = "new_tokens"
      case vocabularySize = "vocabulary_size"
    }
  }
}
