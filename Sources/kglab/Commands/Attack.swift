import Analysis
import ArgumentParser
import Console
import Corpus
import Evaluation
import Experiments
import Foundation
import LabCore
import Training

struct Attack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Search texts for a model's slot that make it wrong: random tokens, GCG, beam, BEAST.",
    discussion: """
      Asks a model that was trained with --slot-share queries that it was trained on, and attacks those it answers \
      right: a text in its slot succeeds where the greedy answer is none of the graph's. Of a detector it attacks the \
      verdicts on answers about subjects that it was not trained on. Every iteration on every \
      query is a row of run.sqlite; interrupted, the same command continues. docs/robustness.md defines each number.

      EXAMPLES:
        kglab attack runs/a
        kglab attack runs/a --kind gcg,beam --examples 500 --iterations 128
        kglab attack runs/a --kind beast --proposals runs/smallest
        kglab attack runs/a/detectors/sentence-full-10k-0123abcd
        kglab attack runs/a --position prefix --length 20 --targeted --json
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder of a finished run, or of a full detector in its detectors/.", valueName: "run"))
  var folder: String

  @Option(help: "Attacks, separated by commas: random, gcg, beam, beast.")
  var kind = usual.kinds.map(\.rawValue).joined(separator: ",")

  @OptionGroup var text: SlotTextOptions

  @Option(help: "Queries that are asked.")
  var examples = usual.exampleCount

  @Option(help: "Iterations of gcg, beam and beast, whose texts have as many tokens.")
  var iterations = usual.iterations

  @Option(help: "Iterations of random.")
  var randomIterations = usual.randomIterations

  @OptionGroup var search: TextSearchOptions

  @Option(help: "Texts that beast keeps, and tokens that it tries after each.")
  var beastWidth = usual.beastWidth

  @Option(help: "A run whose model proposes beast's tokens; by default the attacked one.")
  var proposals: String?

  @Flag(help: "Count only the chosen wrong answer as a success.")
  var targeted = false

  @Option(help: "Decides queries, wrong answers and texts.")
  var seed: UInt64 = 0

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  private static let usual = AttackSettings()

  /// The settings asked for, kinds aside.
  private var settings: AttackSettings {
    var settings = AttackSettings()
    settings.position = text.position
    settings.length = text.length
    settings.exampleCount = examples
    settings.isTargeted = targeted
    settings.iterations = iterations
    settings.randomIterations = randomIterations
    settings.candidateCount = search.candidates
    settings.topK = search.topK
    settings.beamWidth = search.beamWidth
    settings.beastWidth = beastWidth
    settings.keepsBest = search.keepBest
    settings.seed = seed
    return settings
  }

  func validate() throws {
    try OptionRange.require(settings, AttackSettings.ranges)
  }

  func run() throws {
    var settings = settings
    settings.kinds = try OptionList.cases(kind, "--kind")
    guard proposals == nil || settings.kinds.contains(where: \.hasProposer) else {
      throw LabError("--proposals is for --kind beast; leave it out", .usage)
    }
    Interruption.heed()
    let (run, victim) = try AttackedFolder.open(folder)
    if let victim { settings.victims = [victim] }
    let beside = try proposals.map { [try RunFolder.open($0)] } ?? []
    let summary = try workers.during {
      try AttackMeasure(settings).summary(of: graph.subject(run, beside: beside), $0)
    }
    if graph.json { return try Output.json(summary) }
    for one in summary.victims {
      let isTrained = victim == nil && run.record.trainingFLOPs > 0
      show(one, summary, trainingFLOPs: isTrained ? run.record.trainingFLOPs : nil)
    }
    Output.wrote(run.url.relativePath, "attack", key: summary.key)
    guard run.record.outside == nil else {
      return Output.next("kglab", "pirs", folder, "--texts", "prior")
    }
    let elsewhere = text.position == .suffix ? SlotPosition.prefix : .suffix
    Output.next("kglab", "attack", folder, "--position", elsewhere.rawValue)
  }

  private func show(
    _ victim: AttackSummary.Victim, _ summary: AttackSummary, trainingFLOPs: Double?
  ) {
    Output.line(
      "\(victim.name): right \(victim.rightCount.grouped) times of \(victim.exampleCount.grouped) without an attack"
        + (victim.accuracy?.interval.map {
          ", 95 % \(Readable.interval($0.low, $0.high)) %"
        } ?? ""))
    guard victim.rightCount > 0 else {
      return Output.line("nothing can be attacked; train longer, or ask more --examples")
    }
    Output.line(
      "text           \(victim.length) tokens as \(text.position.rawValue)"
        + (summary.identity.settings.kinds.contains(.beast)
          ? ", beast's one more each iteration" : ""))
    for kind in summary.identity.settings.kinds {
      let rates = summary.rates(victim.name, kind)
      Output.line()
      Output.line(
        "\(kind.rawValue): slope \(Readable.fixed(AttackSummary.slope(of: rates), 2)), of log-odds of success on log10 of "
          + "compute")
      var table = TextTable([
        "iteration", "success", "95 % interval", "right under attack", "FLOPs", "of training",
      ])
      for rate in rates where shown(rate.iteration, of: rates.count) {
        let flops = Double(rate.iteration) * rate.flopsPerIteration
        table.add([
          "\(rate.iteration)", Readable.percent(rate.successRate),
          Readable.interval(rate.lower, rate.upper), Readable.percent(rate.accuracy),
          Readable.count(flops),
          trainingFLOPs.map { Readable.probability(flops / max(1, $0)) } ?? "-",
        ])
      }
      Output.table(table)
    }
    Output.line()
  }

  /// Powers of two and the last.
  private func shown(_ iteration: Int, of count: Int) -> Bool {
    iteration == count || iteration & (iteration - 1) == 0
  }
}
