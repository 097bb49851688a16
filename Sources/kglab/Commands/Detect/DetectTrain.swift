import ArgumentParser
import Compute
import Console
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

struct DetectTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train and measure detectors on a run's own answers.",
    discussion: """
      The model answers its own training queries at temperature 1; the graph says which answers are \
      hallucinated; detectors learn from 60 % of the subjects and are measured on another 20 %. Kinds: head \
      (a read-out on the frozen model's states), kernel (one of infinite width), bayes (draws of a posterior, or \
      several trainings), saplma, entropy-probe, attention-probe, lookback, full (a \
      language model fine-tuned to judge), score (training-free) and baseline, which is always beside them. \
      Answers and states are kept in the run's features folder and shared by all detectors. Done before with \
      the same options, the stored result is shown.

      AUC-PR of a detector that knows nothing is the prevalence; AUROC and AUC-PR at matched prevalence \
      do not move with it.

      EXAMPLES:
        kglab detect runs/a
        kglab detect runs/a --kind head --task sentence --ladder
        kglab detect runs/a --kind head --heads linear,mlp-256x2 --layers 1,2,final,all
        kglab detect runs/a --ladder --kernels ntk-relu-1,nngp-gelu-2,ntk-tanh-3-nystrom-1000
        kglab detect runs/a --task token --positions each,before,1,2
        kglab detect train runs/a --kind full --sizes 10k,30k --from runs/b --epochs 5
        kglab detect runs/a --judge runs/b --kind score
        kglab detect runs/a --checkpoint 64 --samples 8 --visibility fvs,pvs,ivs --json
      """)

  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var folder: String

  @Option(help: "Use the weights that training kept at this step, instead of the last.")
  var checkpoint: Int?

  @Option(help: "Judge whole answers (sentence), each of their tokens (token), or both (all).")
  var task: TaskChoice = .all

  @Option(
    help:
      "Kinds, separated by commas, or all. By default all but kernel, bayes and full; baselines are always there."
  )
  var kind: String?

  @Flag(
    help: "All sizes of heads, and of infinitely wide and full ones where those kinds are chosen.")
  var ladder = false

  @Option(
    help:
      "Heads, separated by commas: linear, mlp-N, mlp-NxD (N units, D hidden layers), mlp-A-B-C.")
  var heads: String?

  @Option(
    help: ArgumentHelp(
      "Infinitely wide heads, separated by commas: ntk or nngp, activation, hidden layers, as ntk-relu-1; -nystrom-M for M landmarks, -sketch-M for random features, -kip-M, -solve-M, -random-M, -kmeans-M for M examples in place of all.",
      valueName: "list"))
  var kernels: String?

  @Option(
    help: ArgumentHelp(
      "Heads of the kind bayes, separated by commas: bayes-N (N units, repriorised), bayes-N-plain, either with -on-M behind it for M training examples, ensemble-N-K (K trainings).",
      valueName: "list"))
  var bayes: String?

  @Option(help: "Layers that heads read: final, all (side by side), each, or numbers from 0.")
  var layers: String = "final"

  @Option(help: "Places that heads of the sentence task read: before, last, end, mean.")
  var places: String = AnswerPlace.last.rawValue

  @Option(help: "Tokens that the token task judges: each, before (the answer), or numbers from 1.")
  var positions: String = "each"

  @Option(help: "Sizes of full detectors with fresh weights, separated by commas.")
  var sizes: String?

  @Option(
    help: ArgumentHelp(
      "A run whose model becomes a full detector; give it several times for several.",
      valueName: "run"))
  var from: [String] = []

  @Option(
    help: ArgumentHelp(
      "A run whose model's log-probability of the answers becomes a score; give it several times for several.",
      valueName: "run"))
  var judge: [String] = []

  @Option(help: "Most passes of full detectors over their training part.")
  var epochs: Int = FullTrainingOptions().epochs

  @Option(help: "Peak learning rate of full detectors that begin with trained weights.")
  var rate: Double?

  @Flag(
    help:
      "Let full detectors judge by their state alone, not by the log-probability that they give to the answer too."
  )
  var stateAlone = false

  @Flag(help: "Weigh both classes the same when full detectors are trained.")
  var balanced = false

  @Option(help: "Completions of each query that are judged.")
  var samples: Int = DetectionOptions().samples

  @Option(
    help: "More completions of each query, for consistency scores and entropy probes; 0 for none.")
  var evidence: Int = DetectionOptions().evidence

  @Option(help: "Whose queries are asked, separated by commas: fvs, pvs, ivs.")
  var visibility: String = DetectionOptions().visibilities.map(\.rawValue)
    .joined(separator: ",")

  @Option(help: "Decides the answers drawn, the split, the detectors and the intervals.")
  var seed: UInt64 = 0

  @Flag(help: "Train on labels in random order: what is found then is chance.")
  var shuffleLabels = false

  @Option(
    help:
      "Arithmetic while MLPs and full detectors learn; scores are always in fp32. auto is bf16 where it is faster."
  )
  var precision: PrecisionChoice = .fp32

  @Option(help: "The run's graph, where it is no longer at its place.")
  var graph: String?

  @OptionGroup var workers: WorkerOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    try OptionRange.require(epochs, FullTrainingOptions.epochRange, "--epochs")
    try OptionRange.require(rate, FullTrainingOptions.rateRange, "--rate")
  }

  func run() throws {
    let run = try RunFolder.open(
      URL(fileURLWithPath: folder, isDirectory: true), checkpoint: checkpoint)
    func open(_ folders: [String]) throws -> [RunFolder] {
      try folders.map { try RunFolder.open(URL(fileURLWithPath: $0, isDirectory: true)) }
    }
    let (sources, judges) = (try open(from), try open(judge))
    let options = try options(run, sources, judges)
    let graph = try run.graph(at: self.graph.map { URL(fileURLWithPath: $0) })
    let runner = try DetectionRunner(
      run: run, graph: graph, options: options, sources: sources + judges)
    Interruption.heed()
    let progress = ProgressReporter()
    let summary = try runner.run(Work(workers: workers.count, progress)) { bytes in
      progress.finish()
      guard !json else { return }
      Output.line("features      \(Readable.bytes(bytes)) in \(folder)/features")
      showCosts(options, run.record, graph)
    }
    progress.finish()
    if json { return try Output.json(summary) }
    for task in summary.tasks { show(task, summary) }
    let detectors = "\(folder)/\(DetectionRunner.folderName)"
    let trained = summary.detectors.first { $0.folder != nil }?.folder
    Output.line(
      "wrote \(folder)/run.sqlite (tables detector, detector_metric, detector_score)"
        + (trained == nil ? "" : " and \(detectors)/"))
    let hasAnswers = try RunDatabase.read(in: run.url)?.summaries().contains {
      $0.options.sampleTemperatures.contains(1)
    }
    Output.next(
      trained.map {
        hasAnswers == true
          ? ["kglab", "detect", "score", "\(detectors)/\($0)"] : ["kglab", "evaluate", folder]
      }
        ?? [
          "sqlite3", "\(folder)/run.sqlite",
          "SELECT * FROM detector_score_text ORDER BY score DESC LIMIT 9",
        ])
  }

  // MARK: Options

  private func options(
    _ run: RunFolder, _ sources: [RunFolder], _ judges: [RunFolder]
  ) throws -> DetectionOptions {
    let model = run.record.configuration.model
    var options = DetectionOptions()
    options.tasks = task.tasks
    if let kind {
      options.kinds = kind == "all" ? DetectorKind.allCases : try OptionList.cases(kind, "--kind")
    }
    if sizes != nil || !from.isEmpty, kind == nil { options.kinds.append(.full) }
    if kernels != nil, kind == nil { options.kinds.append(.kernel) }
    if bayes != nil, kind == nil { options.kinds.append(.bayes) }
    guard bayes == nil || options.kinds.contains(.bayes) else {
      throw LabError(
        "--bayes is of the kind bayes, which --kind leaves out; add it to --kind", .usage)
    }
    guard kernels == nil || options.kinds.contains(.kernel) else {
      throw LabError(
        "--kernels are of the kind kernel, which --kind leaves out; add kernel to --kind", .usage)
    }
    let isForFull = sizes != nil || !from.isEmpty || rate != nil || stateAlone || balanced
    guard !isForFull || options.kinds.contains(.full) else {
      throw LabError(
        "--sizes, --from, --rate, --state-alone and --balanced are for full detectors, which are not asked for; add full "
          + "to --kind", .usage)
    }
    options.heads =
      ladder && heads == nil
      ? HeadArchitecture.ladder
      : try OptionList.values(heads ?? "linear", "--heads") { try HeadArchitecture(named: $0) }
    if options.kinds.contains(.kernel) {
      options.kernels =
        try kernels.map {
          try OptionList.values($0, "--kernels") { try KernelHead(named: $0) }
        } ?? (ladder ? KernelHead.ladder : [.limit])
    }
    if options.kinds.contains(.bayes) {
      options.bayesian =
        try bayes.map {
          try OptionList.values($0, "--bayes") { try BayesianHead(named: $0) }
        } ?? [.usual]
    }
    options.layers =
      layers == "each"
      ? (0...model.layerCount).map { .layer($0) } + [.final]
      : try OptionList.values(layers, "--layers") { try LayerChoice(named: $0) }
    try options.checkLayers(of: model)
    options.places = try OptionList.cases(places, "--places")
    options.positions = try OptionList.values(positions, "--positions") {
      try TokenPosition(named: $0)
    }
    options.visibilities = try OptionList.cases(visibility, "--visibility")
    options.judges = DetectionRunner.judges(judges)
    options.samples = samples
    options.evidence = evidence
    options.seed = seed
    options.precision = precision.resolved()
    options.shufflesLabels = shuffleLabels
    if stateAlone { options.fullTraining.readStateAlone() }
    if let rate { options.fullTraining.pretrainedRate = rate }
    options.fullTraining.epochs = epochs
    options.fullTraining.balancesClasses = balanced
    if options.kinds.contains(.full) { options.full = try full(run, sources) }
    try options.validate()
    return options
  }

  /// The sizes asked for, then the runs; without either the judged model itself, and with the
  /// ladder all sizes up to it.
  private func full(_ run: RunFolder, _ sources: [RunFolder]) throws -> [FullDetectorChoice] {
    var choices: [FullDetectorChoice] =
      try sizes.map { sizes in
        try OptionList.values(sizes, "--sizes") { .scratch(size: try ModelSize(named: $0).name) }
      } ?? []
    choices += DetectionRunner.choices(of: sources)
    guard choices.isEmpty else { return choices }
    guard ladder else { return [.own] }
    let width = run.record.nonEmbeddingParameterCount
    let vocabulary = run.record.configuration.model.vocabularySize
    return ModelSize.all.filter {
      $0.configuration(vocabularySize: vocabulary, contextLength: 8).nonEmbeddingParameterCount
        <= width
    }.map { .scratch(size: $0.name) } + [.own]
  }

  // MARK: Text

  /// What infinitely wide heads will take, of the task with the most examples: 60 % of them are
  /// learned from.
  private func showCosts(
    _ options: DetectionOptions, _ record: RunRecord, _ graph: KnowledgeGraph
  ) {
    let queries = graph.queries(fraction: record.configuration.corpus.fraction).count {
      options.visibilities.contains($0.visibility)
    }
    // A third of a text is the answer.
    let tokens = Double(record.tokensPerEpoch) / Double(max(1, 3 * record.trainedTripleCount))
    let examples =
      Double(queries * options.samples)
      * (options.tasks.contains(.token) && options.positions.contains(.each) ? max(1, tokens) : 1)
    let train = Int(0.6 * examples)
    for head in options.kernels {
      let cost = head.cost(
        train: train, scored: Int(0.4 * examples),
        width: record.configuration.model.modelDimension)
      Output.line(
        "\(head.name): about \(train.grouped) training examples, \(Readable.bytes(cost.bytes)), "
          + Readable.duration(cost.seconds)
          + (head.isExact && train > KernelHead.maximumExactCount
            ? "; an exact head takes at most \(KernelHead.maximumExactCount.grouped), so give \(head.name)-nystrom-2000"
            : ""))
    }
  }

  private func show(_ counts: TaskCounts, _ summary: DetectionSummary) {
    let parts = counts.parts.map { part in
      "\(part.part.rawValue) \(part.exampleCount.grouped) "
        + "(\(Readable.percent(part.prevalence)) hallucinated, "
        + "\(part.subjectCount.grouped) subjects)"
    }
    let position = counts.position == .each ? "" : ", \(counts.position.name)"
    Output.line("\(counts.task.rawValue) task\(position): \(parts.joined(separator: ", "))")
    var table = TextTable(
      ["detector", "kind", "parameters", "AUC-PR", "matched AUC-PR", "AUROC", "PRR", "FPR95"],
      left: [0, 1])
    var reasons: [String] = []
    for detector in summary.detectors
    where detector.task == counts.task && detector.position == counts.position {
      table.add(
        [
          detector.name, detector.kind.rawValue,
          detector.kind.isTrained ? detector.parameters.grouped : "-",
        ]
          + [.auprc, .auprcMatched, .auroc].map { DetectorText.estimate(detector[$0]) }
          + [.prr, .fprAtTpr].map { DetectorText.number(detector[$0]?.value) })
      if let reason = detector.unmeasured, !reasons.contains(reason) { reasons.append(reason) }
    }
    table.add(
      ["(chance)", "", ""]
        + [counts.prevalence, 0.5, 0.5, 0, 0.95].map(DetectorText.number))
    Output.table(table)
    for reason in reasons { Output.line("not measured: \(reason)") }
    Output.line()
  }
}
