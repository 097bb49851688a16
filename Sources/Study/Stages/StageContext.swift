import Corpus
import Detection
import Engine
import Evaluation
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import Synchronization
import Training

/// A graph of a study, read from its file when the first task needs it and shared by all.
final class SharedGraph: Sendable {
  let stage: GraphStage
  let url: URL
  private let graph = Mutex<KnowledgeGraph?>(nil)

  init(_ stage: GraphStage, _ url: URL) {
    self.stage = stage
    self.url = url
  }

  func value() throws -> KnowledgeGraph {
    try graph.withLock { stored in
      if let stored { return stored }
      let opened = try KnowledgeGraph.open(url)
      stored = opened
      return opened
    }
  }
}

/// What the tasks of a study work with.
struct StageContext: Sendable {
  let file: StudyFile
  let folder: StudyFolder
  let plan: StudyPlan
  /// By id.
  let graphs: [String: SharedGraph]
  /// By id of the training.
  let requests: [String: TrainingRequest]
  /// Threads of one task.
  let threads: Int
  /// Takes a remark about a training, with the name of its task.
  let warn: @Sendable (String) -> Void

  /// A task of the plan with the work behind it; it waits for those among `ids` alone, or for all
  /// that it needs.
  func executable(_ task: StudyTask, among ids: Set<String>? = nil) -> ExecutableTask {
    let output = folder.url.appendingPathComponent(task.output)
    return ExecutableTask(
      id: task.id, name: task.name, kind: task.kind.rawValue, rank: rank(task.kind),
      estimatedSeconds: task.cost.seconds / Double(threads),
      needs: task.needs.filter { ids?.contains($0) ?? true },
      follows: task.follows.filter { ids?.contains($0) ?? true },
      isResultPresent: { record in
        FileManager.default.fileExists(atPath: output.path) && isResult(of: task, record)
      },
      outputHash: {
        task.kind == .generate ? try ContentHash(ofFile: output).hex : nil
      },
      run: { work in
        var work = work
        work.workers = threads
        return try run(task, work)
      })
  }

  /// Whether what stands at a task's place is what the task made, and not another graph, run or
  /// result.
  private func isResult(of task: StudyTask, _ record: TaskRecord) -> Bool {
    switch task.kind {
    case .generate: graphs[task.id].map { $0.stage.isIntact($0.url, record) } ?? false
    // A folder with another run is then refused by its training, with the difference.
    case .train: (try? isTrained(task)) ?? false
    // The report shows what is there, so it is made anew each time.
    case .report: false
    default: (try? isStored(task)) ?? false
    }
  }

  /// Whether a training's folder has the run that was planned, from the weights that its parent has
  /// now.
  private func isTrained(_ task: StudyTask) throws -> Bool {
    guard let found = try RunFolder.readRecord(folder.model(task.id))?.configuration,
      var planned = task.run?.configuration
    else { return false }
    func weights(_ id: String) throws -> String {
      try RunFolder.readRecord(folder.model(id))?.weightsHash ?? ""
    }
    if case .answers(var text) = planned.corpus.source, case .answers(let own) = found.corpus.source
    {
      text.of = try text.of.map(weights)
      if let judge = text.reward?.of { text.reward?.of = try weights(judge) }
      text.lines = own.lines
      planned.corpus.source = .answers(text)
    }
    planned.start = try start(of: task).map(weights)
    if let hardening = planned.hardening {
      planned.hardening = HardeningRound(
        hardening.training, round: hardening.round, origin: planned.start ?? "")
      // The last round starts from the one before, whose weights are known once it is made.
      planned.start = found.start
    }
    return found == planned
  }

  /// The id of the training that a training starts from; those whose words it learns from come
  /// after it.
  private func start(of task: StudyTask) -> String? {
    let sources = task.sources ?? []
    if case .answers(let text)? = task.run?.configuration.corpus.source {
      let others = text.of.count + (text.reward == nil ? 0 : 1)
      return sources.count > others ? sources.first : nil
    }
    return sources.first
  }

  private func graph(of task: StudyTask) throws -> SharedGraph {
    guard let graph = graphs[plan.graph(of: task).id] else {
      throw LabError("the plan names a graph that the study does not have; run it again")
    }
    return graph
  }

  /// Whether the results of a measure are in its run's file.
  private func isStored(_ task: StudyTask) throws -> Bool {
    guard let measure = plan.measures.measure(task.kind),
      let subject = try folder.subject(of: task, in: plan, graph: graph(of: task).value)
    else { return false }
    return try measure.storedKey(of: subject) != nil
  }

  /// What a finished training makes possible comes before the next training.
  private func rank(_ kind: TaskKind) -> Int {
    switch kind {
    case .generate: 0
    case .train: 2
    case .report: 3
    default: 1
    }
  }

  private func run(_ task: StudyTask, _ work: Work) throws -> String {
    switch task.kind {
    case .generate: return try generate(task)
    case .train: return try train(task, work)
    case .report: return try report()
    default:
      guard let measure = plan.measures.measure(task.kind),
        let subject = try folder.subject(of: task, in: plan, graph: graph(of: task).value)
      else { return "" }
      return try measure.run(subject, work)
    }
  }

  private func generate(_ task: StudyTask) throws -> String {
    let shared = try graph(of: task)
    try shared.stage.write(to: shared.url)
    let graph = try shared.value()
    guard graph.contentHash == plan.graph(of: task).contentHash else {
      throw LabError(
        "\(shared.url.path) differs from the graph that was planned; remove it and run again")
    }
    return "\(graph.answers.count) triples"
  }

  private func train(_ task: StudyTask, _ work: Work) throws -> String {
    guard var request = requests[task.id] else { return "" }
    request.start = start(of: task).map { folder.model($0) }
    if let compression = task.run?.configuration.compression, let parent = request.start {
      let record = try CompressedRun(of: parent, compression, into: folder.model(task.id)).write()
      return record.storedBytes.map { "\(Readable.bytes($0)) stored" } ?? ""
    }
    let graph = try graph(of: task)
    if let hardening = task.run?.configuration.hardening, let parent = request.start {
      let rounds = try Hardening(
        AttackTarget.model, of: RunFolder.open(parent), graph.value(), hardening.training)
      _ = try rounds.run(work)
      _ = try rounds.writeLast(to: folder.model(task.id))
      return "\(hardening.round) rounds"
    }
    if var text = request.text {
      let judge = try text.reward.map { try RunFolder.open(folder.model($0.of)) }
      text.reward?.of = judge?.record.weightsHash ?? ""
      request.answers = try AnswerTextMaker(
        text, of: text.of.map { try RunFolder.open(folder.model($0)) }, graph: graph.value(),
        fraction: request.fraction,
        reward: ProxyReward.maker(text.reward, of: judge, graph: graph.value(), work)
      ).lines(storedIn: folder.model(task.id), work)
    }
    var options = RuntimeOptions()
    options.workers = work.workers
    if request.training.engine == .torch {
      options.torch = try EngineOptions(environment: ProcessInfo.processInfo.environment)
      options.torch.threads = max(1, work.workers / options.torch.processes)
    }
    options.keep = file.keep
    options.probeSteps = file.probeSteps
    options.shouldStop = work.shouldStop
    // The study as a whole was checked before it began.
    options.resources = nil
    options.warn = { [warn] in warn("\(task.name): \($0)") }
    let trainer = try Trainer(
      graph: graph.value(), graphURL: graph.url, request: request, folder: folder.model(task.id),
      options: options)
    let record = try trainer.run { state in
      work.report(
        Double(state.step) / Double(max(1, state.stepCount)),
        String(format: "cross entropy %.3f", state.crossEntropy))
    }
    return record.finalCrossEntropy.map { String(format: "cross entropy %.3f", $0) } ?? ""
  }

  private func report() throws -> String {
    try StudyReport.write(plan: plan, folder: folder)
    return folder.report.relativePath
  }
}
