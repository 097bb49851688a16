import ArgumentParser
import Console
import Corpus
import Detection
import Evaluation
import Experiments
import Foundation
import LabCore
import Training

struct SaliencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "saliency",
    abstract: "Which tokens of an answer's line decide what a full detector says of it.",
    discussion: """
      Takes answers of the run's model about subjects that the detector was not trained on, and for each token of a \
      name by how much another in its place changes the detector's logit, to first order and tried. Says the share on \
      the object, sparsity, and the agreement of both; docs/robustness.md defines each number. All of it is stored in \
      the run's run.sqlite.

      EXAMPLES:
        kglab saliency runs/a/detectors/sentence-full-10k-0123abcd
        kglab saliency runs/a/detectors/sentence-full-10k-0123abcd --replacements 1000 --json
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder of a full detector, in a run's detectors/.", valueName: "detector"))
  var folder: String

  @Option(help: "Answers that are looked at.")
  var answers = usual.answerCount

  @Option(help: "Tokens that are tried in each place.")
  var replacements = usual.replacementCount

  @Option(help: "Decides answers, tokens and resamples.")
  var seed: UInt64 = 0

  @Option(help: "Resamples of the subjects.")
  var resamples = usual.resampleCount

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  private static let usual = SaliencyMeasure.Settings()

  private var settings: SaliencyMeasure.Settings {
    var settings = SaliencyMeasure.Settings()
    settings.answerCount = answers
    settings.replacementCount = replacements
    settings.seed = seed
    settings.resampleCount = resamples
    return settings
  }

  func validate() throws { try OptionRange.require(settings, SaliencyMeasure.Settings.ranges) }

  func run() throws {
    Interruption.heed()
    let url = try DetectorFolder.url(folder)
    let run = try RunFolder.open(url.deletingLastPathComponent().deletingLastPathComponent())
    var settings = settings
    settings.detectors = [url.lastPathComponent]
    let summary = try workers.during {
      try SaliencyMeasure(settings).summary(of: graph.subject(run), $0)
    }
    if graph.json { return try Output.json(summary) }
    show(summary)
    Output.wrote(run.url.relativePath, "saliency", key: summary.key)
    // Attacks put texts into a slot.
    Output.next(
      run.record.configuration.corpus.slot == nil
        ? ["kglab", "evaluate", run.url.relativePath] : ["kglab", "attack", folder])
  }

  private func show(_ summary: SaliencySummary) {
    var table = TextTable(["quantity", "answers", "value", "95 % interval", "n"])
    for rate in summary.rates {
      let isShare = rate.quantity != .gini && rate.quantity != .agreement
      table.add([
        rate.quantity.rawValue.replacing("_", with: " "), rate.answers.rawValue,
        isShare ? Readable.percent(rate.value) : Readable.fixed(rate.value, 3),
        isShare
          ? Readable.interval(rate.lower, rate.upper)
          : Readable.interval(rate.lower, rate.upper, "%.3f", scale: 1), rate.answerCount.grouped,
      ])
    }
    Output.table(table)
  }
}
