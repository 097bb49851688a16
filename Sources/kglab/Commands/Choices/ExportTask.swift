import ArgumentParser
import Console
import Corpus
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import Training

struct ExportTask: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Write questions about a run's graph as tasks of lm-evaluation-harness and BIG-bench.",
    discussion: """
      For each task and form NAME.yaml and NAME.jsonl for lm-evaluation-harness, and NAME.json for BIG-bench. \
      "facts" is the plain question set: each answer among wrong ones of the right type, those that kglab \
      evaluate --candidates takes; the other tasks are the traps of kglab traps. The text is that of the run's \
      tokenizer, so that a model of kglab export-model gives every choice the probability it has in kglab; the \
      .yaml names the .jsonl by its full path. Files of these names are replaced.

      EXAMPLES:
        kglab export-task runs/a --out tasks
        kglab export-task runs/a --tasks facts --candidates 3 --questions 1000 --out tasks
        kglab export-model runs/a --out exports/a
        lm_eval --model hf --model_args pretrained=exports/a --include_path tasks --tasks kglab_facts_fvs
      """)

  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var folder: String

  @Option(help: "The folder to write.")
  var out: String

  @Option(help: "Tasks, separated by commas: facts, or names of traps.")
  var tasks: String = FactQuestions.task

  @Option(help: "Wrong choices of each question of facts.")
  var candidates: Int = 9

  @Option(help: "Most questions of a task.")
  var questions: Int = 200

  @Option(help: "Seed of what is drawn.")
  var seed: UInt64 = 0

  @OptionGroup var graph: GraphOptions

  func validate() throws {
    try OptionRange.require(candidates, 1...10_000, "--candidates")
    try OptionRange.require(questions, 1...1_000_000, "--questions")
    try OptionList.validate { try chosen() }
  }

  private func chosen() throws -> [String] {
    let names = [FactQuestions.task] + Trap.allCases.map(\.rawValue)
    return try OptionList.values(tasks, "--tasks") { name in
      try OptionList.known(name, "--tasks", names) { names.contains($0) ? $0 : nil }
    }
  }

  func run() throws {
    let run = try RunFolder.open(folder)
    guard run.record.outside?.ends == nil else {
      throw LabError(
        "the model of \(folder) was trained elsewhere, and tasks are in the text of kglab's tokenizers; give a run of "
          + "kglab train", .usage)
    }
    let graph = try run.graph(at: graph.url)
    let tasks = try chosen()
    var all: [ChoiceQuestion] = []
    if tasks.contains(FactQuestions.task) {
      let corpus = run.record.configuration.corpus
      all += try FactQuestions.questions(
        graph,
        text: TripleText(
          graph: graph, tokenizer: run.tokenizer, wording: corpus.wording.asked(in: .seen)),
        fraction: corpus.fraction, candidates: candidates, count: questions, seed: Seed(seed))
    }
    let traps = tasks.compactMap(Trap.init(rawValue:))
    if !traps.isEmpty {
      var settings = TrapsMeasure.Settings()
      (settings.tasks, settings.questionCount, settings.seed) = (traps, questions, seed)
      all += try TrapsMeasure(settings).questions(of: run, graph: graph)
    }
    let written = try TaskExport.write(all, to: URL(fileURLWithPath: out, isDirectory: true))
    if self.graph.json { return try Output.json(written) }
    var table = TextTable(["task", "questions"], left: [0])
    for task in written { table.add([task.name, task.questionCount.grouped]) }
    Output.table(table)
    Output.line("wrote \(out)")
    Output.next("kglab", "export-model", folder, "--out", "exports/model")
  }
}
