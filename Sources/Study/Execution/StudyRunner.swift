package import Foundation
import KnowledgeGraph
package import LabCore
import Training

/// How to run a study; nothing here changes its results.
package struct StudyRunOptions: Sendable {
  /// Threads in all; nil takes what the study file says.
  package var workers: Int?
  /// Whether the first failure ends the run.
  package var failFast = false
  /// What the machine has; nil to begin whatever the estimates say.
  package var resources: MachineResources? = .current
  package var reporter = ProgressReporter.silent
  /// Whether each finished task gets a line that stays.
  package var noteEachTask = false

  package init() {}
}

/// Runs a study into a folder: what is missing is done, what is there is kept.
package struct StudyRunner {
  package let file: StudyFile
  package let folder: StudyFolder
  package let plan: StudyPlan
  private let graphStages: [GraphStage]
  private let requests: [String: TrainingRequest]

  /// Plans `file` for `folder`, which need not exist and is not changed.
  ///
  /// Throws `LabError` when the folder holds something else, or when the study cannot be done.
  package init(file: StudyFile, folder: URL) throws {
    self.file = file
    self.folder = StudyFolder(folder)
    try self.folder.checkUsable(for: file.name)
    let studyFolder = self.folder
    graphStages = try file.graphs.map { try GraphStage($0) }
    let graphs = try graphStages.map { stage in
      let graph = try stage.graph(
        at: studyFolder.graph(stage.id), record: studyFolder.journal.record(of: stage.id))
      return (graph, stage.summary(of: graph))
    }
    (plan, requests) = try StudyPlanner(file: file, graphs: graphs).plan(
      for: self.folder)
  }

  /// Runs every task whose result is not there yet.
  ///
  /// Failures of tasks are in the summary. Throws `LabError` when another process writes in the
  /// folder, and `LabError.interrupted` when asked to stop, after all running tasks have saved.
  package func run(_ options: StudyRunOptions = StudyRunOptions()) throws -> ExecutionSummary {
    let workers = options.workers ?? file.workers
    let sideBySide = options.workers == nil ? file.sideBySide : min(file.sideBySide, workers)
    if let resources = options.resources {
      try plan.check(resources, folder: folder.url, sideBySide: sideBySide)
    }
    try checkUnclaimed()
    let lock = try begin()
    defer { withExtendedLifetime(lock) {} }
    let stages = stages(threads: max(1, workers / sideBySide), options)
    let executor = TaskExecutor(
      tasks: plan.tasks.map { stages.executable($0) }, journal: folder.journal,
      workers: sideBySide, failFast: options.failFast, reporter: options.reporter,
      noteEachTask: options.noteEachTask)
    let summary = try executor.run()
    let failed = summary.records(.failed)
    if failed.isEmpty, !summary.records(.interrupted).isEmpty || hasPending(summary) {
      let done = summary.records(.done).count
      throw LabError.interrupted("stopped with \(done) of \(plan.tasks.count) tasks done")
    }
    return summary
  }

  /// Takes the study's folder and writes the plan.
  func begin() throws -> FolderLock {
    let lock = try FolderLock(folder.url)
    try writePlan()
    return lock
  }

  /// Freezes the plan; the caller has the lock of the study's folder.
  func writePlan() throws {
    try folder.checkUsable(for: file.name)
    try AtomicFile.write(CanonicalJSON.pretty(plan), to: folder.plan)
  }

  /// What the tasks work with, each on so many threads.
  func stages(threads: Int, _ options: StudyRunOptions) -> StageContext {
    StageContext(
      file: file, folder: folder, plan: plan,
      graphs: Dictionary(
        uniqueKeysWithValues: graphStages.map { ($0.id, SharedGraph($0, folder.graph($0.id))) }),
      requests: requests, threads: threads, warn: { options.reporter.note("warning: \($0)") })
  }

  private func hasPending(_ summary: ExecutionSummary) -> Bool {
    !summary.records(.pending).isEmpty
  }
}
