import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Synchronization
import Training

/// The graph of a study, read from its file when the first task needs it and shared by all.
final class SharedGraph: Sendable {
  let url: URL
  private let graph = Mutex<KnowledgeGraph?>(nil)

  init(_ url: URL) { self.url = url }

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
  let graphStage: GraphStage
  /// By id of the training.
  let requests: [String: TrainingRequest]
  /// Threads of one task.
  let threads: Int
  let graph: SharedGraph
  /// Takes a remark about a training, with the name of its task.
  let warn: @Sendable (String) -> Void

  /// A task of the plan with the work behind it.
  func executable(_ task: StudyTask) -> ExecutableTask {
    let output = folder.url.appendingPathComponent(task.output)
    return ExecutableTask(
      id: task.id, name: task.name, kind: task.kind.rawValue, rank: rank(task.kind),
      estimatedSeconds: task.cost.seconds / Double(threads), needs: task.needs,
      follows: task.follows,
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

  /// Whether what stands at a task's place is what the task made, and not another graph, run or result.
  private func isResult(of task: StudyTask, _ record: TaskRecord) -> Bool {
    switch task.kind {
    case .generate: graphStage.isIntact(graph.url, record)
    // A folder with another run is then refused by its training, with the difference.
    case .train:
      (try? RunFolder.readRecord(folder.model(task.id)))??.configuration == task.run?.configuration
    // The report shows what is there, so it is made anew each time.
    case .report: false
    default: (try? isStored(task)) ?? false
    }
  }

  /// Whether the results of a measure are in its run's file.
  private func isStored(_ task: StudyTask) throws -> Bool {
    guard let measure = plan.measures.measure(task.kind),
      let subject = try folder.subject(of: task, in: plan, graph: graph.value)
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
        let subject = try folder.subject(of: task, in: plan, graph: graph.value)
      else { return "" }
      return try measure.run(subject, work)
    }
  }

  private func generate(_ task: StudyTask) throws -> String {
    try graphStage.write(to: graph.url)
    let graph = try graph.value()
    guard graph.contentHash == plan.graph.contentHash else {
      throw LabError(
        "\(self.graph.url.path) differs from the graph that was planned; remove it and run again")
    }
    return "\(graph.answers.count) triples"
  }

  private func train(_ task: StudyTask, _ work: Work) throws -> String {
    guard let request = requests[task.id] else { return "" }
    var options = RuntimeOptions()
    options.workers = work.workers
    options.keep = file.keep
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
