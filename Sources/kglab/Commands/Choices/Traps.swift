import ArgumentParser
import Console
import Corpus
import Evaluation
import Experiments
import LabCore
import Training

struct Traps: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a model questions on which larger models were found to do worse.",
    discussion: """
      Ten tasks of the inverse scaling prize in triples of the run's graph: in the form "trap" the answer by the \
      rule and the one that memory or the prompt suggests differ, in the form "plain" they are the same. The \
      model must have been trained with --rule-share, which teaches the rules on subjects that no trap asks about. \
      docs/traps.md defines tasks and numbers. All of it is stored in run.sqlite; interrupted, the same command \
      continues.

      EXAMPLES:
        kglab traps runs/a
        kglab traps runs/a --tasks neqa,redefine --questions 500
        kglab traps runs/a --json > traps.json
      """)

  @OptionGroup var asked: RunOptions

  @Option(help: "Tasks, separated by commas; all by default.")
  var tasks: String?

  @Option(help: "Most questions of a task, each in two forms.")
  var questions: Int = 200

  @Flag(help: "Ask each trap once more with a solved one of another subject before it.")
  var oneShot = false

  @Flag(
    help: "Ask redefine and neqa once more with the line before them that leads to the answer.")
  var reasoned = false

  @OptionGroup var drawing: ChoiceOptions

  func validate() throws {
    try OptionRange.require(questions, 1...100_000, "--questions")
    try OptionList.validate { try chosen() }
  }

  private func chosen() throws -> [Trap] {
    try tasks.map { try OptionList.cases($0, "--tasks") } ?? Trap.allCases
  }

  func run() throws {
    Interruption.heed()
    let run = try asked.open()
    var settings = drawing.settings
    settings.tasks = try chosen()
    settings.questionCount = questions
    if oneShot { settings.shots.append(1) }
    if reasoned { settings.reasoned = true }
    let graph = try run.graph(at: drawing.asking.graph.url)
    let summary = try drawing.asking.workers.during {
      try TrapsMeasure(settings).summary(of: run, graph: graph, $0)
    }
    try drawing.show(summary, of: run, folder: asked.folder)
  }
}

/// How questions with choices are put to a model.
struct ChoiceOptions: ParsableArguments {
  @Option(help: "Seed of what is drawn, and of the intervals' resamples.")
  var seed: UInt64 = 0

  @Option(help: "Resamples of the subjects.")
  var resamples: Int = 1_000

  @OptionGroup var asking: AskingOptions

  func validate() throws { try OptionRange.require(resamples, 1...1_000_000, "--resamples") }

  var settings: TrapsMeasure.Settings {
    var settings = TrapsMeasure.Settings()
    (settings.seed, settings.resampleCount) = (seed, resamples)
    settings.precision = asking.precision
    return settings
  }

  func show(_ summary: ChoiceSummary, of run: RunFolder, folder: String) throws {
    if asking.json { return try Output.json(summary) }
    var table = TextTable(
      [
        "task", "form", "exposures", "n", "accuracy", "95 % interval", "chance", "loss",
        "95 % interval", "mass",
      ], left: [0, 1, 2])
    for row in summary.results {
      table.add([
        row.task, row.variant, row.groupKind == "all" ? "all" : row.groupValue,
        row.questionCount.grouped, Readable.percent(row.accuracy),
        Readable.interval(row.accuracyLower, row.accuracyUpper), Readable.percent(row.chance),
        Readable.fixed(row.loss, 3),
        Readable.interval(row.lossLower, row.lossUpper, "%.3f", scale: 1),
        Readable.percent(row.mass),
      ])
    }
    Output.table(table)
    Output.line()
    Output.wrote(folder, "traps", key: summary.key)
    Output.next(
      run.record.outside?.ends == nil
        ? ["kglab", "export-task", folder, "--out", "tasks"] : ["kglab", "evaluate", folder])
  }
}
