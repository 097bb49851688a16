import ArgumentParser
import Console
import Detection
import Evaluation
import Experiments
import Foundation
import LabCore
import Training

struct Disjoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Train detectors together so that attacks on one don't turn the others, and deploy one at random.",
    discussion: """
      Trains several full detectors of a run's answers with penalties on what attacks on them have in common, and as many \
      of the same seeds without. Then attacks each by GCG in the slot and tries each text on all, also on the independent \
      ones as an ensemble. Says the transfer of attacks, and accuracy without a text and where one detector is deployed at \
      random; docs/robustness.md defines each number. All of it is stored in the run's run.sqlite.

      EXAMPLES:
        kglab disjoint runs/a
        kglab disjoint runs/a --weight 0.01,0.1,1
        kglab disjoint runs/a --size 10k --full-epochs 10 --json
      """)

  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var folder: String

  @Option(help: "Size of the detectors.")
  var size = usual.size

  @Option(help: "Detectors of a group.")
  var detectors = usual.memberCount

  @Option(help: "Weight of each penalty, or several, separated by commas.")
  var weight = usual.weights.map { Readable.number($0) }.joined(separator: ",")

  @Option(help: "How far one-hot rows move along a gradient.")
  var epsilon = usual.epsilon

  @Option(help: "How far they move along its sign.")
  var signEpsilon = usual.signEpsilon

  @Option(help: "Answers of each query that are learned from.")
  var samples = usual.sampleCount

  @Option(help: "Passes over them.")
  var fullEpochs = usual.epochCount

  @Option(help: "Answers that are judged and attacked.")
  var examples = usual.exampleCount

  @Option(help: "Iterations of GCG.")
  var iterations = usual.iterations

  @Option(help: "Texts scored in an iteration.")
  var candidates = usual.candidateCount

  @Option(help: "Decides answers, weights, texts and resamples.")
  var seed: UInt64 = 0

  @Option(help: "Resamples of the subjects.")
  var resamples = usual.resampleCount

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  private static let usual = DisjointSettings()

  private var settings: DisjointSettings {
    var settings = DisjointSettings()
    settings.size = size
    settings.memberCount = detectors
    settings.epsilon = epsilon
    settings.signEpsilon = signEpsilon
    settings.sampleCount = samples
    settings.epochCount = fullEpochs
    settings.exampleCount = examples
    settings.iterations = iterations
    settings.candidateCount = candidates
    settings.seed = seed
    settings.resampleCount = resamples
    return settings
  }

  func validate() throws {
    try OptionRange.require(settings, DisjointSettings.ranges)
    for (name, value) in [("--epsilon", epsilon), ("--sign-epsilon", signEpsilon)] {
      try OptionRange.require(value, DisjointSettings.penaltyRange, name)
    }
  }

  func run() throws {
    var settings = settings
    settings.weights = try OptionList.values(weight, "--weight") { text in
      guard let value = Double(text), DisjointSettings.penaltyRange.contains(value) else {
        throw LabError("--weight '\(text)' must be numbers between 0 and 1000000", .usage)
      }
      return value
    }
    Interruption.heed()
    let run = try RunFolder.open(folder)
    let summary = try workers.during {
      try DisjointMeasure(settings).summary(of: graph.subject(run), $0)
    }
    if graph.json { return try Output.json(summary) }
    show(summary)
    Output.wrote(folder, "disjoint", key: summary.key)
    Output.next("kglab", "attack", folder)
  }

  private func show(_ summary: DisjointSummary) {
    Output.line(
      "\(detectors) detectors of \(summary.parameterCount.grouped) parameters each, attacked by GCG on "
        + "\(summary.rates.first?.exampleCount ?? 0) answers")
    Output.line()
    var accuracy = TextTable(["detectors", "accuracy", "value", "95 % interval"])
    for rate in summary.rates {
      accuracy.add([
        rate.words, rate.quantity.rawValue, Readable.percent(rate.value),
        Readable.interval(rate.lower, rate.upper),
      ])
    }
    Output.table(accuracy)
    Output.line()
    var transfer = TextTable([
      "detectors", "attacked", "tested", "right by both", "turned", "both", "share",
      "95 % interval",
    ])
    for one in summary.transfers where one.attacked != one.tested {
      transfer.add([
        one.words, "\(one.attacked)", "\(one.tested)", "\(one.rightCount)",
        "\(one.turnedCount)", "\(one.bothTurnedCount)",
        Readable.percent(one.rate), Readable.interval(one.lower, one.upper),
      ])
    }
    Output.table(transfer)
    Output.line()
  }
}
