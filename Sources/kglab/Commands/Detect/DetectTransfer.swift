import ArgumentParser
import Console
import Detection
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

struct DetectTransfer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer",
    abstract: "Train detectors in each place and test them in all: models, graphs, visibilities.",
    discussion: """
      A place is a run asked about queries of some visibilities. Detectors of each place are tested on the \
      test subjects of all places; on another graph, subjects of a name that was learned from are left out. \
      Heads need models of one shape, full detectors one tokenizer; where a detector cannot be used, the \
      cell says why. Cells are rows of detector_transfer in the run.sqlite of the run tested on.

      EXAMPLES:
        kglab detect transfer runs/a runs/b
        kglab detect transfer runs/a --visibility fvs,pvs --visibility ivs
        kglab detect transfer runs/a runs/b --kind head,full --sizes 10k --task sentence --json
      """)

  @Argument(help: ArgumentHelp("Folders of finished runs.", valueName: "run"))
  var folders: [String]

  @Option(
    help: "Whose queries are asked, separated by commas; give it several times for several places.")
  var visibility: [String] = ["fvs,pvs"]

  @Option(help: "Judge whole answers (sentence), each of their tokens (token), or both (all).")
  var task: TaskChoice = .sentence

  @Option(help: "Kinds of trained detectors, separated by commas.")
  var kind: String = "head,lookback"

  @Option(help: "Heads, separated by commas: linear, mlp-N, mlp-NxD.")
  var heads: String = "linear"

  @Option(help: "Sizes of full detectors, with fresh weights.")
  var sizes: String = "10k"

  @Option(help: "Most passes of full detectors over their training part.")
  var epochs: Int = FullTrainingOptions().epochs

  @Option(help: "Completions of each query.")
  var samples: Int = DetectionOptions().samples

  @Option(help: "Decides the answers drawn, the split, the detectors and the intervals.")
  var seed: UInt64 = 0

  @OptionGroup var workers: WorkerOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    try OptionRange.require(epochs, FullTrainingOptions.epochRange, "--epochs")
  }

  func run() throws {
    let runs = try folders.map { folder in
      let run = try RunFolder.open(URL(fileURLWithPath: folder, isDirectory: true))
      return (name: folder, run: run, graph: try run.graph())
    }
    let conditions = try runs.flatMap { run in
      try visibility.map {
        TransferCondition(
          name: run.name, run: run.run, graph: run.graph,
          visibilities: try OptionList.cases($0, "--visibility"))
      }
    }
    Interruption.heed()
    let cells = try workers.during {
      try TransferExperiment(conditions, options: options()).run($0)
    }
    if json { return try Output.json(cells) }
    show(cells)
    Output.line("wrote run.sqlite of each run (table detector_transfer)")
    Output.next(
      "sqlite3", "\(folders[0])/run.sqlite",
      "SELECT * FROM detector_transfer ORDER BY metric")
  }

  private func options() throws -> DetectionOptions {
    var options = DetectionOptions()
    options.tasks = task.tasks
    options.kinds = try OptionList.cases(kind, "--kind")
    options.heads = try OptionList.values(heads, "--heads") { try HeadArchitecture(named: $0) }
    if options.kinds.contains(.kernel) { options.kernels = [.limit] }
    if options.kinds.contains(.bayes) { options.bayesian = [.usual] }
    if options.kinds.contains(.full) {
      options.full = try OptionList.values(sizes, "--sizes") {
        .scratch(size: try ModelSize(named: $0).name)
      }
      options.fullTraining.epochs = epochs
    }
    options.samples = samples
    options.seed = seed
    if !options.kinds.contains(.entropyProbe) { options.evidence = 0 }
    try options.validate()
    return options
  }

  private func show(_ cells: [TransferCell]) {
    var table = TextTable(
      ["detector", "task", "trained on", "tested on", "AUROC", "AUC-PR", "prevalence"],
      left: [0, 1, 2, 3])
    var reasons: [String] = []
    for cell in cells {
      table.add([
        cell.detector, cell.task.rawValue, "\(cell.trainedOn) \(cell.trainVisibility)",
        "\(cell.testedOn) \(cell.testVisibility)", DetectorText.estimate(cell[.auroc]),
        DetectorText.estimate(cell[.auprc]), DetectorText.number(cell[.prevalence]?.value),
      ])
      if let reason = cell.refused, !reasons.contains(reason) { reasons.append(reason) }
    }
    Output.table(table)
    for reason in reasons { Output.line("not measured: \(reason)") }
  }
}
