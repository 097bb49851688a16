import ArgumentParser
import Console
import Detection
import Evaluation
import Experiments
import LabCore
import Training

struct CascadeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cascade",
    abstract: "Answer with a small model and defer what it is unsure of to a large one.",
    discussion: """
      Hallucination rate against mean FLOPs a query, for each switch: what the small model's stored answers, \
      samples and detectors say of its uncertainty, beside random deferral and an oracle. Reads the greedy \
      answers that kglab evaluate stored of both runs; docs/evaluation.md defines each number. All of it is \
      stored in the small run's run.sqlite.

      EXAMPLES:
        kglab cascade runs/small runs/large
        kglab cascade runs/small runs/large --json > cascade.json
        kglab cascade runs/s0 runs/large --member runs/s1 --member runs/s2 --heads linear
      """)

  @Argument(help: ArgumentHelp("The folder of an evaluated run.", valueName: "small run"))
  var small: String

  @Argument(help: ArgumentHelp("The folder of the one deferred to.", valueName: "large run"))
  var large: String

  @Option(
    help: ArgumentHelp(
      "An evaluated run that differs from the small one in its seed and says with it how likely it finds its answers; may be "
        + "given several times.", valueName: "run"))
  var member: [String] = []

  @Option(
    help:
      "Detectors to train for it, such as linear,mlp-64: each answer is judged by one that did not learn from its subject."
  )
  var heads: String?

  @Option(help: "Seed of the detectors and of the intervals' resamples.")
  var seed: UInt64 = 0

  @Option(help: "Resamples of the subjects.")
  var resamples: Int = 1_000

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  func validate() throws { try OptionRange.require(resamples, 0...1_000_000, "--resamples") }

  func run() throws {
    Interruption.heed()
    let run = try RunFolder.open(small)
    let others = try ([large] + member).map { try RunFolder.open($0) }
    var settings = CascadeMeasure.Settings()
    (settings.seed, settings.resampleCount) = (seed, resamples)
    settings.committee = member.indices.map { $0 }
    if let heads {
      settings.heads = try OptionList.values(heads, "--heads") { try HeadArchitecture(named: $0) }
    }
    let summary = try workers.during {
      try CascadeMeasure(settings).summary(of: graph.subject(run, beside: others), $0)
    }
    if graph.json { return try Output.json(summary) }
    show(summary)
    Output.wrote(small, "cascade", key: summary.key)
    Output.next("kglab", "detect", "train", small)
  }

  /// Shares of deferred queries that are shown, of those measured.
  private static let shares = [0, 0.1, 0.25, 0.5, 0.75, 1]

  private func show(_ summary: CascadeSummary) {
    for set in QuerySet.allCases {
      let points = summary.points.filter { $0.visibility == set }
      guard let first = points.first else { continue }
      Output.line(
        "\(set.rawValue), \(first.queryCount.grouped) queries: hallucination rate by the share deferred"
      )
      var table = TextTable(
        ["switch"] + Self.shares.map { "\(Int(100 * $0)) %" } + [
          "mean", "gain", "gain over FLOPs",
        ], left: [0])
      for area in summary.areas where area.visibility == set {
        let curve = points.filter { $0.switch == area.switch }
        let rates = Self.shares.map { share in curve.first { $0.share == share }?.rate }
        table.add(
          [area.switch] + (rates + [area.meanRate]).map(Readable.percent)
            + [
              Readable.fixed(area.gain, 3),
              Readable.fixed(
                summary.compute.first {
                  $0.visibility == set && $0.switch == area.switch
                }?.gain, 3),
            ])
      }
      let flops = Self.shares.compactMap { share in
        points.first { $0.share == share }?.meanFLOPs
      }
      table.add(["FLOPs a query"] + flops.map(Readable.count) + ["", "", ""])
      Output.table(table)
      Output.line()
      var tenths = TextTable(
        ["tenths, most certain first"] + (1...10).map(String.init), left: [0])
      for area in summary.areas where area.visibility == set && area.kind != .baseline {
        let own = summary.deciles.filter { $0.visibility == set && $0.switch == area.switch }
        tenths.add([area.switch] + own.map { Readable.percent($0.gain) })
      }
      Output.line("hallucinations that deferring takes away, by how uncertain the switch is")
      Output.table(tenths)
      Output.line()
    }
  }
}
