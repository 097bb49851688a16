import ArgumentParser
import Console
import Corpus
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import Training

struct SelfTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a run on those of its own answers that the graph judges right, in rounds.",
    discussion: """
      Each round draws answers to the training queries from the round before, keeps those that are right and that \
      training may show, and trains the first run on them (ReST-EM, arXiv 2312.06585), or the round before with --arm continue. \
      With --detectors, which learn from the first run's answers with some labels flipped, those say what is right. \
      Rounds are runs, round-1, round-2, ... of the folder; the same command continues. Shown are exact rates on the queries \
      that were asked, on the other trained ones, and on those never trained on, and how much of the gain the first run has \
      by a lower temperature alone. docs/derived-runs.md says more.

      EXAMPLES:
        kglab self-train runs/a --epochs 5 --learning-rate 0.0005 --out runs/a-self
        kglab self-train runs/a --rounds 3 --queries 0.5 --arm continue --epochs 5 --out runs/a-half
        kglab self-train runs/a --detectors three --combine min --epochs 5 --out runs/a-judged
        kglab self-train runs/a --epochs 5 --engine torch --device cuda --out runs/a-self
      """)

  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var source: String

  @Option(help: "Rounds.")
  var rounds = 2

  @Option(help: "Answers drawn for each query and round.")
  var samples = 32

  @Option(help: "Right answers of each query that are kept at most.")
  var keep = 10

  @Option(help: "Temperature of the draws.")
  var temperature = 0.7

  @Option(help: "Draw from this many of the likeliest tokens.")
  var topK = 40

  @Option(help: "Share of the training queries that are asked.")
  var queries = 1.0

  @Option(help: "Whether a round starts from the first run or from the round before.")
  var arm = SelfTraining.Arm.restart

  @OptionGroup var reward: RewardOptions

  @Option(help: .of("loss")) var loss = LossScope.object

  @Option(help: "Seed of draws and of the order of the data.")
  var seed: UInt64 = 0

  @OptionGroup var horizon: HorizonOptions

  @OptionGroup var recipe: RecipeOptions

  @OptionGroup var engine: EngineArguments

  @Option(help: "The folder of the rounds.")
  var out: String

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  func validate() throws { try OptionRange.require(rounds, 1...100, "--rounds") }

  func run() throws {
    Interruption.heed()
    var text = AnswerText()
    (text.samples, text.right, text.topK) = (samples, keep, topK)
    (text.temperature, text.queries, text.seed) = (temperature, queries, seed)
    if let given = reward.given {
      guard reward.detectors != nil else {
        throw LabError("\(given) says how detectors judge answers; give --detectors too", .usage)
      }
      text.reward = reward.choice(seed: seed)
    }
    try text.validate()
    var request = TrainingRequest(size: "", horizon: horizon.horizon)
    request.seed = seed
    request.loss = loss
    recipe.apply(to: &request)
    request.training.engine = engine.engine
    var options = RuntimeOptions()
    options.workers = workers.count
    options.torch = try engine.options(threads: workers.requested)
    let base = try RunFolder.open(source)
    let (content, file) = (try base.graph(at: graph.url), try graph.url ?? base.graphFile())
    let training = SelfTraining(rounds: rounds, arm: arm, text: text, request: request)
    let results = try workers.during {
      try training.run(
        on: base, content, in: file, into: URL(fileURLWithPath: out, isDirectory: true),
        options: options, work: $0)
    }
    if graph.json { return try Output.json(results) }
    show(results)
    Output.line("wrote \(out)/round-1 to round-\(rounds)")
    Output.next("kglab", "evaluate", "\(out)/round-\(rounds)")
  }

  private func show(_ rounds: [SelfTrainingRound]) {
    Output.line("exact hallucination rate at temperature 1, with 95 % intervals over subjects")
    table(
      rounds, ["drawn", "right", "kept"], { $0.visibility == nil && $0.difficulty == nil }
    ) { tally in
      [tally?.drawn, tally?.right, tally?.kept].map { $0?.grouped ?? "" }
    }
    Output.line("by visibility")
    table(rounds, [], { $0.visibility != nil }) { _ in [] }
    Output.line("of the asked queries, by how likely the first run was right")
    table(rounds, [], { $0.difficulty != nil }) { _ in [] }
    Output.line(
      "beside the first run at the temperature of equal entropy: what that has more is gained beyond sharpening"
    )
    var table = TextTable(
      [
        "round", "queries", "entropy", "temperature", "rate", "sharpened", "gain", "from", "to",
        "distinct",
        "calibration error", "divergence",
      ], left: [1])
    for round in rounds.dropFirst() {
      for row in round.rows
      where row.model == .run && row.visibility == nil && row.difficulty == nil {
        let sharpened = round.rows.first { $0.model == .sharpened && $0.isSameSet(as: row) }
        table.add(
          ["\(round.round)", word(row), number(row.entropy), number(sharpened?.temperature)]
            + [row.rate, sharpened?.rate, row.gain, row.gainLower, row.gainUpper].map(
              Readable.percent)
            + [row.distinctCount, row.calibrationError, row.divergence].map(number))
      }
    }
    Output.table(table)
    Output.line()
  }

  private func number(_ value: Double?) -> String {
    value.map { String(format: "%.2f", $0) } ?? ""
  }

  private func word(_ row: SelfTrainingRow) -> String {
    let bins: [SelfTrainingRow.Difficulty: String] = [
      .easy: "75 % and more", .medium: "50 to 75 %", .hard: "25 to 50 %", .veryHard: "below 25 %",
    ]
    if let difficulty = row.difficulty { return bins[difficulty] ?? "" }
    let words: [SelfTrainingRow.Queries: String] = [
      .asked: "asked", .notAsked: "trained, not asked", .unseen: "never trained",
    ]
    return (words[row.queries] ?? "")
      + (row.visibility.map { ", \($0.rawValue.uppercased())" } ?? "")
  }

  /// A row for each round: `counts` of its text, then the rates of the wanted sets of queries.
  private func table(
    _ rounds: [SelfTrainingRound], _ names: [String], _ isWanted: (SelfTrainingRow) -> Bool,
    _ counts: (AnswerTally?) -> [String]
  ) {
    let columns = rounds[0].rows.filter(isWanted)
    var table = TextTable(
      ["round"] + names
        + columns.flatMap { ["\(word($0)) (\($0.queryCount.grouped))", "from", "to"] })
    for round in rounds {
      let rates = columns.flatMap { column -> [String] in
        let own = round.rows.first { $0.model != .sharpened && $0.isSameSet(as: column) }
        return [own?.rate, own?.lower, own?.upper].map(Readable.percent)
      }
      table.add(["\(round.round)"] + counts(round.answers) + rates)
    }
    Output.table(table)
    Output.line()
  }
}

extension SelfTraining.Arm: ExpressibleByArgument {}
