import ArgumentParser
import Console
import Corpus
import Evaluation
import Experiments
import Foundation
import LabCore
import Training

struct Pirs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a model for texts that give a chosen wrong answer, and keep those that do.",
    discussion: """
      Prompt inversion with rejection sampling: for queries that a model with a slot answers right, texts are drawn \
      from the model itself and from one that was trained to say what stood in the slot, given the answer; those that \
      give the chosen wrong answer are accepted, by how far that is from a right one. And copies of a false line before \
      the query, until its answer flips. Every text and copy is a row of run.sqlite; interrupted, the same command \
      continues. docs/robustness.md defines each number.

      EXAMPLES:
        kglab pirs runs/a
        kglab pirs runs/a --texts prior --position infix --length 1 --draws 256
        kglab pirs runs/a --copies 64 --json
      """)

  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var folder: String

  @Option(help: "What texts are drawn from, separated by commas: prior, inversion.")
  var texts = usual.origins.map(\.rawValue).joined(separator: ",")

  @Option(help: "Wrong answers, separated by commas: near, type, other.")
  var distances = usual.distances.map(\.rawValue).joined(separator: ",")

  @OptionGroup var text: SlotTextOptions

  @Option(help: "Queries that are asked.")
  var examples = usual.exampleCount

  @Option(help: "Texts drawn for each query, wrong answer and origin.")
  var draws = usual.drawCount

  @Option(help: "Answers to random texts that the inversion learns from.")
  var lines = usual.lineCount

  @Option(help: "How often it learns from them.")
  var lineEpochs = usual.epochCount

  @Option(help: "Most copies of a false line before a query.")
  var copies = usual.copyCount

  @Option(help: "Decides queries, wrong answers and texts.")
  var seed: UInt64 = 0

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  private static let usual = InversionSettings()

  /// The settings asked for, lists aside.
  private var settings: InversionSettings {
    var settings = InversionSettings()
    settings.position = text.position
    settings.length = text.length
    settings.exampleCount = examples
    settings.drawCount = draws
    settings.lineCount = lines
    settings.epochCount = lineEpochs
    settings.copyCount = copies
    settings.seed = seed
    return settings
  }

  func validate() throws {
    try OptionRange.require(settings, InversionSettings.ranges)
  }

  func run() throws {
    var settings = settings
    settings.origins = try OptionList.cases(texts, "--texts")
    settings.distances = try OptionList.cases(distances, "--distances")
    Interruption.heed()
    let run = try RunFolder.open(folder)
    let summary = try workers.during {
      try InversionMeasure(settings).summary(of: graph.subject(run), $0)
    }
    if graph.json { return try Output.json(summary) }
    show(summary)
    Output.wrote(folder, "pirs", key: summary.key)
    // An outside model gives no gradients.
    Output.next(
      ["kglab", "attack", folder] + (run.record.outside == nil ? [] : ["--kind", "random"]))
  }

  private func show(_ summary: InversionSummary) {
    Output.line(
      "right \(summary.rightCount.grouped) times of \(summary.exampleCount.grouped) without a text")
    guard summary.rightCount > 0 else {
      return Output.line("nothing can be attacked; train longer, or ask more --examples")
    }
    Output.line("text           \(summary.length) tokens as \(text.position.rawValue)")
    if let loss = summary.heldOutLoss, let flops = summary.inversionFLOPs {
      Output.line(
        "inversion      \(Readable.fixed(loss, 3)) nats a token of held-out texts, by chance "
          + "\(Readable.fixed(log(Double(summary.allowedCount)), 3)), for \(Readable.count(flops)) FLOPs"
      )
    }
    Output.line()
    var table = TextTable([
      "text", "wrong answer", "queries", "broken", "95 % interval", "accepted", "95 % interval",
      "any wrong", "FLOPs a draw",
    ])
    for rate in summary.rates where rate.drawCount == draws {
      table.add([
        rate.origin.rawValue, rate.distance.rawValue, "\(rate.attackedCount)",
        Readable.percent(rate.brokenRate), Readable.interval(rate.lower, rate.upper),
        Readable.percent(rate.acceptance),
        Readable.interval(rate.acceptanceLower, rate.acceptanceUpper),
        Readable.percent(rate.wrongShare), Readable.count(rate.flopsPerDraw),
      ])
    }
    Output.table(table)
    guard !summary.overloads.isEmpty else { return }
    Output.line()
    var copies = TextTable(["copies of a false line", "flipped", "95 % interval", "to its object"])
    for rate in summary.overloads where rate.copies & (rate.copies - 1) == 0 {
      copies.add([
        "\(rate.copies)", Readable.percent(rate.flippedRate),
        Readable.interval(rate.lower, rate.upper),
        Readable.percent(Double(rate.believedCount) / Double(rate.attackedCount)),
      ])
    }
    Output.table(copies)
    Output.line(
      "half of the queries flip by "
        + (summary.medianCopies.map { "\($0) copies" } ?? "more than \(summary.overloads.count)"))
    Output.line()
  }
}
