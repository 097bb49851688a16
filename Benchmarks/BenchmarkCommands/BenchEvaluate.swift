import ArgumentParser
import Benchmarks
import Compute
import Console
import Evaluation
import Foundation
import LabCore
import LanguageModel
import Training

struct BenchEvaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Time exact scoring and sampling beside a forward pass over the same queries.",
    discussion: """
      A random model scores random answers, or with --run a trained one those of its graph. The forward pass reads every prompt with one answer and \
      computes logits at every token; scoring computes the probability of all answers of every prompt. The \
      ratio of both is what an exact evaluation costs; "of texts" is the same beside a forward pass that \
      reads every prompt with each of its answers. --export writes model, queries and log-probabilities for \
      other programs: model.safetensors, config.json and queries.json.

      EXAMPLES:
        kglab bench evaluate
        kglab bench evaluate --shape 4x128x4 --answers 1,1.25,4 --precision fp32
        kglab bench evaluate --shape 2x64x4 --vocabulary 1024 --answers 1.25 --export data
        kglab bench evaluate --run runs/a --queries 4096
      """)

  @Option(
    help: ArgumentHelp(
      "Layers x width x heads, one or several; by default 4x128x4 and 6x256x8.",
      valueName: "shapes"))
  var shape: String?

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "The folder of a finished run, whose model and queries take the place of random ones.",
      valueName: "folder"))
  var folder: String?

  @Option(help: "Queries, of a run's at most so many.")
  var queries: Int = 256

  @Option(help: "Tokens of a prompt; 8 by default.")
  var promptLength: Int?

  @Option(
    help: ArgumentHelp(
      "Answers of a query on average, one number or several; by default 1,2,4.", valueName: "counts"
    ))
  var answers: String?

  @Option(help: "Tokens of an answer, with the one that ends it; 3 by default.")
  var answerLength: Int?

  @Option(help: "Samples of a query at temperature 1.")
  var samples: Int = 16

  @Option(help: "Vocabulary; 4096 by default.")
  var vocabulary: Int?

  @Option(help: "Threads that share the queries; 1 by default.")
  var workers: Int?

  private var workerCount: Int { workers ?? 1 }

  @Option(help: "Write the model, its queries and their log-probabilities into this folder.")
  var export: String?

  @OptionGroup var arithmetic: ArithmeticOptions

  @Option(help: "Seconds of measuring for each row.")
  var seconds: Double = 3

  @Flag(help: "A smoke test: as little measuring as possible.")
  var quick = false

  @OptionGroup var output: BenchOutput

  private var random: (promptLength: Int, answerLength: Int, vocabulary: Int) {
    (promptLength ?? 8, answerLength ?? 3, vocabulary ?? 4096)
  }

  func validate() throws {
    let ofRandomQueries = [
      ("--shape", shape != nil), ("--prompt-length", promptLength != nil),
      ("--answers", answers != nil), ("--answer-length", answerLength != nil),
      ("--vocabulary", vocabulary != nil),
    ]
    if folder != nil, let (name, _) = ofRandomQueries.first(where: \.1) {
      throw ValidationError(
        "\(name) is of random queries, and --run takes those of a run; leave one of them out")
    }
    try OptionRange.require(workerCount, 1...256, "--workers")
    try OptionRange.require(queries, 1...65_536, "--queries")
    try OptionRange.require(random.promptLength, 1...512, "--prompt-length")
    try OptionRange.require(random.answerLength, 1...256, "--answer-length")
    try OptionRange.require(samples, 1...1_024, "--samples")
    try OptionRange.require(random.vocabulary, 8...1_000_000, "--vocabulary")
    try SecondsOption.check(seconds)
    try OptionList.validate(answerCounts)
  }

  private func answerCounts() throws -> [Double] {
    try OptionList.values(answers ?? "1,2,4", "--answers") { text in
      guard let count = Double(text), (1...1_024).contains(count) else {
        throw LabError("--answers has '\(text)'; numbers must be between 1 and 1024", .usage)
      }
      return count
    }
  }

  func run() throws {
    let progress = ProgressReporter()
    var rows: [Row] = []
    for work in try works() {
      for precision in try arithmetic.precisions() {
        progress.update("\(work.name) \(precision.rawValue), \(work.answers) answers")
        rows.append(try measure(work, precision))
      }
    }
    progress.finish()
    if output.json { return try Output.json(BenchReport("evaluate", rows)) }
    var table = TextTable([
      "shape", "precision", "workers", "answers", "forward tokens/s", "scoring tokens/s", "ratio",
      "of texts", "queries/s", "sampled tokens/s",
    ])
    for row in rows {
      table.add([
        row.shape, row.precision.rawValue, "\(workerCount)", Readable.number(row.answers),
        Int(row.result.forwardTokensPerSecond).grouped,
        Int(row.result.scoringTokensPerSecond).grouped,
        Readable.fixed(row.result.ratio, 2), Readable.fixed(row.result.textsRatio, 2),
        Int(row.result.queriesPerSecond).grouped,
        Int(row.result.sampledTokensPerSecond).grouped,
      ])
    }
    Output.table(table)
    if let row = rows.first {
      Output.line(
        "measured \(row.queries) prompts of \(Readable.number(row.promptLength)) tokens, answers of "
          + "\(Readable.number(row.answerLength)), \(samples) samples, vocabulary "
          + "\(row.vocabularySize), kernels \(Device.cpu.name)")
    }
    Output.next("kglab", "bench", "generate")
  }

  /// A model and what it is asked.
  private struct Work {
    let name: String
    let model: LanguageModel
    let queries: [PromptedCompletions]
    let limits: GenerationLimits

    /// Means over the queries, and over their answers.
    var promptLength: Double { mean(queries.map(\.prompt.count)) }
    var answers: Double { mean(queries.map(\.completions.count)) }
    var answerLength: Double { mean(queries.flatMap { $0.completions.map(\.count) }) }

    private func mean(_ counts: [Int]) -> Double {
      Double(counts.reduce(0, +)) / Double(max(1, counts.count))
    }
  }

  private func works() throws -> [Work] {
    if let folder {
      let run = try RunFolder.open(URL(fileURLWithPath: folder, isDirectory: true))
      let work = try EvaluationWork(run, graph: run.graph(), count: queries)
      return [
        Work(
          name: run.url.lastPathComponent, model: try run.loadModel(), queries: work.queries,
          limits: work.limits)
      ]
    }
    let (promptLength, answerLength, vocabulary) = random
    return try ShapeList.read(shape, else: BenchmarkRegime.generation.shapes).flatMap { shape in
      let model = try LanguageModel(
        shape.configuration(
          vocabularySize: vocabulary, contextLength: promptLength + answerLength), seed: Seed(0),
        on: .cpu)
      return try answerCounts().map { count in
        Work(
          name: shape.description, model: model,
          queries: ScoringBenchmark.randomQueries(
            queries, vocabulary: vocabulary, promptLength: promptLength, answers: count,
            answerLength: answerLength),
          limits: GenerationLimits(
            maximumNewTokens: answerLength, endToken: -1, stopTokens: 0..<0))
      }
    }
  }

  private func measure(_ work: Work, _ precision: Precision) throws -> Row {
    let model = try work.model.inPrecision(precision)
    let benchmark = try ScoringBenchmark(
      model, work.queries, samples: samples, limits: work.limits, workers: workerCount)
    if let export { try write(model, work.queries, benchmark, to: URL(fileURLWithPath: export)) }
    return Row(
      shape: work.name, precision: precision, workers: workerCount, queries: work.queries.count,
      promptLength: work.promptLength, answers: work.answers, answerLength: work.answerLength,
      samples: samples, vocabularySize: model.configuration.vocabularySize,
      result: try benchmark.run(seconds: quick ? 0.02 : seconds))
  }

  private func write(
    _ model: LanguageModel, _ items: [PromptedCompletions], _ benchmark: ScoringBenchmark,
    to folder: URL
  ) throws {
    try AtomicFile.createFolder(folder)
    try ModelFiles.save(model, to: folder)
    let queries = zip(items, try benchmark.logProbabilities()).map {
      ExportedQuery(prompt: $0.prompt, answers: $0.completions, logProbabilities: $1)
    }
    try AtomicFile.write(
      JSONEncoder().encode(queries), to: folder.appendingPathComponent("queries.json"))
  }

  private struct ExportedQuery: Encodable {
    let prompt: [Int32]
    let answers: [[Int32]]
    let logProbabilities: [Double]

    enum CodingKeys: String, CodingKey {
      case prompt, answers
      case logProbabilities = "log_probabilities"
    }
  }

  private struct Row: Encodable {
    let shape: String
    let precision: Precision
    let workers: Int
    let queries: Int
    let promptLength: Double
    let answers: Double
    let answerLength: Double
    let samples: Int
    let vocabularySize: Int
    let result: ScoringSpeed

    enum CodingKeys: String, CodingKey {
      case shape, precision, workers, queries, answers, samples, result
      case promptLength = "prompt_length"
      case answerLength = "answer_length"
      case vocabularySize = "vocabulary_size"
    }
  }
}
