import ArgumentParser
import Compute
import Foundation
import LabCore
import LanguageModel

struct BenchEvaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Time exact scoring and sampling beside a forward pass over the same queries.",
    discussion: """
      A random model scores random answers on one thread. The forward pass reads every prompt with one \
      answer and computes logits at every token; scoring computes the probability of all answers of every \
      prompt. The ratio of both is what an exact evaluation costs.

      EXAMPLES:
        kglab bench evaluate
        kglab bench evaluate --shape 4x128x4 --answers 1,4 --precision fp32
      """)

  @Option(
    help: ArgumentHelp(
      "Layers x width x heads, one or several; by default 4x128x4 and 6x256x8.",
      valueName: "shapes"))
  var shape: String?

  @Option(help: "Queries.")
  var queries: Int = 256

  @Option(help: "Tokens of a prompt.")
  var promptLength: Int = 8

  @Option(help: ArgumentHelp("Answers of a query, one number or several.", valueName: "counts"))
  var answers: String = "1,2,4"

  @Option(help: "Tokens of an answer, with the one that ends it.")
  var answerLength: Int = 3

  @Option(help: "Samples of a query at temperature 1.")
  var samples: Int = 16

  @Option(help: "Vocabulary.")
  var vocabulary: Int = 4096

  @OptionGroup var arithmetic: ArithmeticOptions

  @Option(help: "Seconds of measuring for each row.")
  var seconds: Double = 3

  @Flag(help: "A smoke test: as little measuring as possible.")
  var quick = false

  @Flag(help: "Print the results as JSON.")
  var json = false

  func validate() throws {
    try BenchCheck.require(queries, 1...65_536, "--queries")
    try BenchCheck.require(promptLength, 1...512, "--prompt-length")
    try BenchCheck.require(answerLength, 1...256, "--answer-length")
    try BenchCheck.require(samples, 1...1_024, "--samples")
    try BenchCheck.require(vocabulary, 8...1_000_000, "--vocabulary")
    try BenchCheck.seconds(seconds)
    _ = try answerCounts()
  }

  private func answerCounts() throws -> [Int] {
    try answers.split(separator: ",", omittingEmptySubsequences: false).map { text in
      guard let count = Int(text), (1...1_024).contains(count) else {
        throw ValidationError("--answers has '\(text)'; numbers must be between 1 and 1024")
      }
      return count
    }
  }

  func run() throws {
    let progress = ProgressReporter()
    var rows: [Row] = []
    for shape in try ShapeList.read(shape, else: BenchmarkRegime.generation.shapes) {
      for precision in try arithmetic.precisions() {
        for count in try answerCounts() {
          progress.update("\(shape) \(precision.rawValue), \(count) answers")
          let benchmark = ScoringBenchmark(
            shape.configuration(
              vocabularySize: vocabulary, contextLength: promptLength + answerLength),
            queries: queries, promptLength: promptLength, answers: count,
            answerLength: answerLength, samples: samples, precision: precision)
          rows.append(
            Row(
              shape: shape.description, precision: precision, queries: queries,
              promptLength: promptLength, answers: count, answerLength: answerLength,
              samples: samples, vocabularySize: vocabulary,
              result: try benchmark.run(seconds: quick ? 0.02 : seconds)))
        }
      }
    }
    progress.finish()
    if json {
      return try Output.json(
        BenchReport(benchmark: "evaluate", kernels: Device.cpu.name, rows: rows))
    }
    var table = TextTable([
      "shape", "precision", "answers", "forward tokens/s", "scoring tokens/s", "ratio",
      "sampled tokens/s",
    ])
    for row in rows {
      table.add([
        row.shape, row.precision.rawValue, "\(row.answers)",
        Output.grouped(Int(row.result.forwardTokensPerSecond)),
        Output.grouped(Int(row.result.scoringTokensPerSecond)),
        String(format: "%.2f", row.result.ratio),
        Output.grouped(Int(row.result.sampledTokensPerSecond)),
      ])
    }
    table.print()
    Output.line(
      "measured \(queries) prompts of \(promptLength) tokens, answers of \(answerLength), "
        + "\(samples) samples, vocabulary \(vocabulary), kernels \(Device.cpu.name)")
    Output.line("next: kglab bench generate")
  }

  private struct Row: Encodable {
    let shape: String
    let precision: Precision
    let queries: Int
    let promptLength: Int
    let answers: Int
    let answerLength: Int
    let samples: Int
    let vocabularySize: Int
    let result: ScoringSpeed

    enum CodingKeys: String, CodingKey {
      case shape, precision, queries, answers, samples, result
      case promptLength = "prompt_length"
      case answerLength = "answer_length"
      case vocabularySize = "vocabulary_size"
    }
  }
}
