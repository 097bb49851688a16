import ArgumentParser
import Console
import Corpus
import Experiments
import Foundation
import LabCore
import Training

struct SelfTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a run on those of its own answers that the graph judges right, in rounds.",
    discussion: """
      Each round draws answers to the training queries from the round before, keeps those that are right and that \
      training may show, and trains the first run on them (ReST-EM, arXiv 2312.06585), or the round before with --arm continue. \
      Rounds are runs, round-1, round-2, ... of the folder; the same command continues. Shown are exact rates on the queries \
      that were asked, on the other trained ones, and on those never trained on. docs/derived-runs.md says more.

      EXAMPLES:
        kglab self-train runs/a --epochs 5 --learning-rate 0.0005 --out runs/a-self
        kglab self-train runs/a --rounds 3 --queries 0.5 --arm continue --epochs 5 --out runs/a-half
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

  @Option(help: .of("loss")) var loss = LossScope.object

  @Option(help: "Seed of draws and of the order of the data.")
  var seed: UInt64 = 0

  @OptionGroup var horizon: HorizonOptions

  @OptionGroup var recipe: RecipeOptions

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
    try text.validate()
    var request = TrainingRequest(size: "", horizon: horizon.horizon)
    request.seed = seed
    request.loss = loss
    recipe.apply(to: &request)
    var options = RuntimeOptions()
    options.workers = workers.count
    let base = try RunFolder.open(source)
    let (content, file) = (try base.graph(at: graph.url), try graph.url ?? base.graphFile())
    let training = SelfTraining(rounds: rounds, arm: arm, text: text, request: request)
    let results = try ProgressReporter.during { progress in
      try training.run(
        on: base, content, in: file, into: URL(fileURLWithPath: out, isDirectory: true),
        options: options, work: Work(workers: workers.count, progress))
    }
    if graph.json { return try Output.json(results) }
    show(results)
    Output.line("wrote \(out)/round-1 to round-\(rounds)")
    Output.next("kglab", "evaluate", "\(out)/round-\(rounds)")
  }

  private func show(_ rounds: [SelfTrainingRound]) {
    Output.line("exact hallucination rate at temperature 1, with 95 % intervals over subjects")
    let words: [SelfTrainingRound.Queries: String] = [
      .asked: "asked", .notAsked: "trained, not asked", .unseen: "never trained",
    ]
    table(rounds, rounds[0].rates.filter { $0.difficulty == nil }, ["drawn", "right", "kept"]) {
      words[$0.queries] ?? ""
    } _: { tally in
      [tally?.drawn, tally?.right, tally?.kept].map { $0?.grouped ?? "" }
    }
    Output.line("of the asked queries, by how likely the first run was right")
    let bins: [SelfTrainingRound.Difficulty: String] = [
      .easy: "75 % and more", .medium: "50 to 75 %", .hard: "25 to 50 %", .veryHard: "below 25 %",
    ]
    table(rounds, rounds[0].rates.filter { $0.difficulty != nil }, []) {
      $0.difficulty.flatMap { bins[$0] } ?? ""
    } _: { _ in
      []
    }
  }

  /// A row for each round: `counts` of its text, then the rates of the same queries as those of `columns`.
  private func table(
    _ rounds: [SelfTrainingRound], _ columns: [SelfTrainingRound.Rate], _ names: [String],
    _ word: (SelfTrainingRound.Rate) -> String, _ counts: (AnswerTally?) -> [String]
  ) {
    var table = TextTable(
      ["round"] + names
        + columns.flatMap { ["\(word($0)) (\($0.queryCount.grouped))", "from", "to"] })
    for round in rounds {
      let rates = columns.flatMap { column -> [String] in
        let own = round.rates.first {
          $0.queries == column.queries && $0.difficulty == column.difficulty
        }
        return [own?.rate, own?.lower, own?.upper].map(Readable.percent)
      }
      table.add(["\(round.round)"] + counts(round.answers) + rates)
    }
    Output.table(table)
    Output.line()
  }
}

extension SelfTraining.Arm: ExpressibleByArgument {}
