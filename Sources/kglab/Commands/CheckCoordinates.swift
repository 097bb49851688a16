import ArgumentParser
import Compute
import Console
import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

struct CheckCoordinates: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coordinate-check",
    abstract: "Check that activations and their change in training don't depend on the width.",
    discussion: """
      Trains models of several widths for a few steps on the same batch and shows the mean absolute \
      coordinate of what each part puts out, before and after, and how much it changed. A number's \
      exponent is the slope of its logarithm on that of the width. The check passes (exit 0) where the \
      exponents of size and change after the steps are within the tolerance of 0, and fails (exit 1) \
      otherwise. Without a graph the tokens are random. Weight decay and warm-up are left out, with sgd \
      clipping too, and the read-out begins at 0, so that only what is learned is seen (--random-read-out \
      shows the rest); with adafactor, and with sgd in standard and ntk, it begins at random, as their \
      steps follow its size.

      EXAMPLES:
        kglab coordinate-check --parameterization mup
        kglab coordinate-check --parameterization plain --learning-rate 0.01
        kglab coordinate-check graph.sqlite --parameterization standard --optimizer adam-atan2 --json
      """)

  @Argument(help: "A graph whose training text gives the batch.")
  var graph: String?

  @Option(help: .of("parameterization"))
  var parameterization: Parameterization = .standard

  @Option(help: .of("alignment"))
  var alignment: Alignment = .full

  @Option(help: .of("base_width"))
  var baseWidth = TrainingRequest.usual.training.baseWidth

  @Option(help: .of("optimizer"))
  var optimizer: OptimizerKind = .adamW

  @Option(help: "Peak learning rate at every width; by default the rule of kglab train.")
  var learningRate: Double?

  @Option(help: "Widths, separated by commas, each a multiple of 16.")
  var widths: String = CoordinateCheck.Options().widths.map(String.init).joined(separator: ",")

  @Option(help: "Layers of every model.")
  var layers: Int = CoordinateCheck.Options().layerCount

  @Option(help: "Steps of training.")
  var steps: Int = CoordinateCheck.Options().steps

  @Option(help: "Seeds of initial weights to average over.")
  var seeds: Int = CoordinateCheck.Options().seeds

  @Option(help: "Tokens of the batch, about.")
  var tokens: Int = 64

  @Flag(help: "Begin the read-out at the parameterisation's own values also where it would at 0.")
  var randomReadOut = false

  @Option(help: "Largest exponent of the width that counts as flat.")
  var tolerance: Double = CoordinateCheck.Options().tolerance

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var result: ResultOptions

  func validate() throws {
    try OptionRange.require(layers, 1...64, "--layers")
    try OptionRange.require(tokens, 32...65_536, "--tokens")
    guard tolerance > 0, tolerance.isFinite else {
      throw ValidationError("--tolerance is \(tolerance); it must be above 0 and finite")
    }
  }

  func run() throws {
    let (batch, vocabularySize) = try batch()
    let check = try CoordinateCheck(options(), batch: batch, vocabularySize: vocabularySize)
    let report = try ProgressReporter.during { progress in
      try check.run(workers: workers.count) {
        progress.update("training \(Readable.percent($0))")
      }
    }
    if result.json { try Output.json(report) } else { show(report) }
    guard report.isFlat else {
      throw LabError(
        "not flat: \(report.failing.map(\.part).joined(separator: ", ")) depend on the width "
          + "(exponent above \(Readable.number(tolerance)))", .failure)
    }
  }

  private func options() throws -> CoordinateCheck.Options {
    var options = CoordinateCheck.Options()
    options.widths = try OptionList.values(widths, "--widths") { text in
      guard let width = Int(text), width > 0 else {
        throw LabError("--widths has '\(text)', which is no width; such as 32,64,128", .usage)
      }
      return width
    }
    options.layerCount = layers
    options.steps = steps
    options.seeds = seeds
    options.tolerance = tolerance
    options.learningRate = learningRate
    if randomReadOut { options.startsReadOutAtZero = false }
    options.training.optimizer = optimizer
    options.training.parameterization = parameterization
    options.training.alignment = alignment
    options.training.baseWidth = baseWidth
    return options
  }

  /// The first batch of the graph's first epoch, or random tokens.
  private func batch() throws -> (TokenBatch, vocabularySize: Int) {
    guard let graph else {
      let vocabulary = 64
      return (
        CoordinateCheck.randomBatch(
          sequences: max(1, tokens / 16), length: 16, vocabularySize: vocabulary), vocabulary
      )
    }
    var request = TrainingRequest(size: "3k", horizon: .steps(1))
    request.training.tokensPerStep = tokens
    request.training.warmUpShare = 0
    let resolved = try request.resolve(
      graph: KnowledgeGraph.open(URL(fileURLWithPath: graph)), graphPath: graph)
    return (resolved.schedule.epoch(0).batch(0), resolved.tokenizer.vocabularySize)
  }

  // MARK: Text

  private func show(_ report: CoordinateReport) {
    Output.line(
      "\(parameterization.rawValue), \(optimizer.rawValue), \(layers) layers, \(report.steps) steps, "
        + "mean of \(report.seeds) seed\(report.seeds == 1 ? "" : "s"); mean absolute coordinate by width"
    )
    let rates = report.learningRates.map(Readable.number)
    Output.line(
      "learning rate " + (Set(rates).count == 1 ? rates[0] : rates.joined(separator: ", ")))
    Output.line()
    var table = TextTable(
      ["part", ""] + report.widths.map(String.init) + ["exponent", ""], left: [0, 1])
    for part in report.parts {
      table.add(row(part.part, "before", part.initial, part.initialSlope, report, judged: false))
      table.add(row("", "after", part.final, part.finalSlope, report, judged: true))
      table.add(row("", "change", part.change, part.changeSlope, report, judged: true))
    }
    Output.table(table)
    Output.line()
    guard report.isFlat else { return }
    Output.line("flat: every exponent is within \(Readable.number(tolerance)) of 0")
    Output.line("wrote nothing")
    Output.line(
      "next: kglab train GRAPH --size 300k --epochs 20 --parameterization \(parameterization.rawValue) "
        + "--out RUN")
  }

  private func row(
    _ part: String, _ moment: String, _ values: [Double], _ slope: Double?,
    _ report: CoordinateReport, judged: Bool
  ) -> [String] {
    let isFlat = slope.map { abs($0) <= report.tolerance } ?? false
    return [part, moment] + values.map { Readable.fixed($0, 4) }
      + [slope.map { String(format: "%+.2f", $0) } ?? "-", judged ? (isFlat ? "flat" : "NOT") : ""]
  }
}
