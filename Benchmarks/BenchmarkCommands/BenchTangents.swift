import ArgumentParser
import Benchmarks
import Console
import LabCore
import LanguageModel

struct BenchTangents: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tangents",
    abstract: "Time the tangent kernel between texts by three algorithms.",
    discussion: """
      Inner products of gradients of log P(answer | prompt) of a random model: by contraction of kept gradients, by a \
      derivative along each gradient (vector-products), and by factors of every matrix's gradient (structured). Each is \
      done once by one worker, in single precision; predicted operations are those of the formulas in docs/kernels.md.

      EXAMPLES:
        kglab bench tangents
        kglab bench tangents --shape 2x64x4,4x128x4 --texts 200
      """)

  @Option(
    help: ArgumentHelp(
      "Layers x width x heads, one or several; by default 2x32x2 and 2x128x4.", valueName: "shapes")
  )
  var shape: String?

  @Option(help: "Texts, whose kernel with themselves is computed.")
  var texts: Int = 32

  @Option(help: "Tokens of a prompt.")
  var promptLength: Int = 6

  @Option(help: "Tokens of an answer.")
  var answerLength: Int = 3

  @Option(help: "Vocabulary.")
  var vocabulary: Int = 1_024

  @Flag(help: "A smoke test: four texts.")
  var quick = false

  @OptionGroup var output: BenchOutput

  private static let shapes = [(2, 32, 2), (2, 128, 4)].map { "\($0.0)x\($0.1)x\($0.2)" }

  func validate() throws {
    try OptionRange.require(texts, 2...10_000, "--texts")
    try OptionRange.require(promptLength, 1...8_192, "--prompt-length")
    try OptionRange.require(answerLength, 1...8_192, "--answer-length")
    try OptionRange.require(vocabulary, 8...1_000_000, "--vocabulary")
    try OptionList.validate { try ShapeList.read(shape, else: []) }
  }

  func run() throws {
    let progress = ProgressReporter()
    var rows: [Row] = []
    let count = quick ? 4 : texts
    let shapes = try ShapeList.read(shape ?? Self.shapes.joined(separator: ","), else: [])
    for shape in shapes {
      progress.update("\(shape), \(count) texts")
      let benchmark = TangentBenchmark(
        shape.configuration(
          vocabularySize: vocabulary, contextLength: promptLength + answerLength),
        texts: count, promptLength: promptLength, answerLength: answerLength)
      rows += try benchmark.run().map {
        Row(shape: shape.description, texts: count, result: $0)
      }
    }
    progress.finish()
    if output.json { return try Output.json(BenchReport("tangents", rows)) }
    var table = TextTable(
      ["shape", "algorithm", "seconds", "predicted GFLOP", "against contraction", "predicted"],
      left: [0, 1])
    for row in rows {
      guard let first = rows.first(where: { $0.shape == row.shape })?.result else { continue }
      table.add([
        row.shape, row.result.method.rawValue, Readable.number(row.result.seconds),
        Output.gigas(row.result.operations),
        Readable.fixed(row.result.seconds / first.seconds, 2),
        Readable.fixed(row.result.operations / first.operations, 2),
      ])
    }
    Output.table(table)
    let largest = rows.map(\.result.difference).max() ?? 0
    Output.line(
      "measured the kernel of \(count) texts with themselves; the three differ by at most "
        + "\(Readable.number(largest)) of a text's own")
    Output.line("next: kglab explain RUN SUBJECT PREDICATE, for the facts that pull an answer")
  }

  private struct Row: Encodable {
    let shape: String
    let texts: Int
    let result: TangentBenchmark.Result
  }
}
