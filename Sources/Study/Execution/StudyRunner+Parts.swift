import Foundation
import LabCore

/// How a part of a study ended.
package struct PartSummary: Sendable {
  /// What was done, was there, or cannot be done because what it needs failed, in the order of the
  /// work.
  package var records: [TaskRecord] = []
  package var reusedCount = 0
  package var seconds = 0.0
  /// Tasks that were left because what they read is not there yet: "'evaluate 3k' needs 'train 3k',
  /// which is not done".
  package var waiting: [String] = []

  package init() {}

  /// The tasks that ended with this status.
  package func records(_ status: TaskStatus) -> [TaskRecord] {
    records.filter { $0.status == status }
  }
}

/// A study that several processes do, each a part of it.
extension StudyRunner {
  /// Writes the plan and makes the graphs, which everything else reads.
  ///
  /// Throws `LabError` when another process writes in the folder.
  package func prepare(_ options: StudyRunOptions) throws -> ExecutionSummary {
    if let resources = options.resources {
      try plan.check(resources, folder: folder.url, sideBySide: 1)
    }
    let lock = try begin()
    defer { withExtendedLifetime(lock) {} }
    return try execute(plan.tasks(.generate), options)
  }

  /// Merges what is there into study.sqlite and writes the report; returns what is neither done nor
  /// diverged.
  ///
  /// Throws `LabError` when another process writes in the folder.
  package func merge(_ options: StudyRunOptions) throws -> (ExecutionSummary, missing: [StudyTask])
  {
    try checkFrozen()
    let lock = try FolderLock(folder.url)
    defer { withExtendedLifetime(lock) {} }
    let missing = missing(options).filter { $0.kind != .report }
    return (try makeReport(options), missing)
  }

  /// Merges what is there and writes the report; the caller has the lock of the study's folder.
  func makeReport(_ options: StudyRunOptions) throws -> ExecutionSummary {
    try execute(plan.tasks(.report), options)
  }

  /// Tasks that have no result yet and could have one: what a diverged training leaves out is not
  /// among them.
  package func missing(_ options: StudyRunOptions) -> [StudyTask] {
    let stages = stages(threads: 1, options)
    var fruitless: Set<String> = []
    return plan.tasks.filter { task in
      if !fruitless.isDisjoint(with: task.needs) {
        fruitless.insert(task.id)
        return false
      }
      let record = finished(task, stages)
      if record?.status == .diverged { fruitless.insert(task.id) }
      return record == nil
    }
  }

  /// Does these tasks of the plan that stands in the folder, and writes their results and records
  /// alone.
  ///
  /// A model is worked on by one process at a time. Throws `LabError` when the folder's plan is
  /// another, `.interrupted` when asked to stop, after saving, and where another process works on a
  /// model.
  package func run(part chosen: [StudyTask], _ options: StudyRunOptions) throws -> PartSummary {
    try checkFrozen()
    try awaitFolder()
    if let resources = options.resources {
      var part = plan
      part.tasks = chosen
      try part.check(resources, folder: folder.url, sideBySide: 1)
    }
    var summary = PartSummary()
    let stages = stages(threads: options.workers ?? taskThreads, options)
    for group in plan.groups(of: chosen) {
      guard let claim = try folder.claim(group) else {
        throw LabError.interrupted(
          "another process works in \(folder.place(of: group.tasks[0]).relativePath)")
      }
      defer { withExtendedLifetime(claim) {} }
      try run(group, stages, options, &summary)
    }
    return summary
  }

  /// Refuses the whole study while other processes do parts of it.
  func checkUnclaimed() throws {
    guard let claimed = plan.tasks.first(where: { folder.isClaimed($0) }) else { return }
    throw LabError(
      "another process works in \(folder.place(of: claimed).relativePath); wait for it to end, or join in with "
        + "'kglab study work'", .failure)
  }

  /// Throws `LabError.interrupted` while one process does the whole study; freezing and merging are
  /// soon over.
  func awaitFolder() throws {
    for _ in 0..<50 {
      guard FolderLock.isHeld(folder.url) else { return }
      Thread.sleep(forTimeInterval: 0.1)
    }
    throw LabError.interrupted("another process does the whole study in \(folder.url.relativePath)")
  }

  /// Refuses a folder whose plan is not the study's.
  func checkFrozen() throws {
    let frozen = try folder.readPlan()
    guard frozen.tasks.map(\.id) == plan.tasks.map(\.id) else {
      let new = Set(plan.tasks.map(\.id)).subtracting(frozen.tasks.map(\.id))
      let example = plan.tasks.first { new.contains($0.id) && $0.kind != .report }
      throw LabError(
        "\(folder.plan.relativePath) is of another study file or machine than this one: "
          + (example.map { "it has no '\($0.name)' of id \($0.id)" } ?? "it has other tasks")
          + "; bring the study's file back, or freeze the new plan with 'kglab study run STUDY --prepare'"
      )
    }
  }

  /// Threads of one task in a run of the whole study.
  package var taskThreads: Int { max(1, file.workers / file.sideBySide) }

  // MARK: One model

  /// Does what can be done of a group; its caller has claimed it.
  ///
  /// Failures of tasks that are to be `retried` keep nothing from being done later.
  func run(
    _ group: TaskGroup, retried: Set<String> = [], _ stages: StageContext,
    _ options: StudyRunOptions, _ summary: inout PartSummary
  ) throws {
    var ready: [StudyTask] = []
    for task in group.tasks {
      if finished(task, stages) == nil {
        let obstacle = obstacle(before: task, besides: Set(ready.map(\.id)), retried, stages)
        if case .failed(let reason) = obstacle {
          var record = TaskRecord(id: task.id, name: task.name, status: .skipped)
          record.error = reason
          try folder.journal.write(record)
          summary.records.append(record)
        }
        if case .missing(let reason) = obstacle {
          summary.waiting.append("'\(task.name)' \(reason)")
        }
        guard obstacle == nil else { continue }
      }
      ready.append(task)
    }
    let result = try execute(ready, stages, options)
    summary.records += result.records
    summary.reusedCount += result.reusedCount
    summary.seconds += result.seconds
  }

  /// What stands before a task.
  enum Obstacle {
    /// Something failed or diverged, in the words of `TaskExecutor`.
    case failed(String)
    case missing(String)
  }

  /// What keeps a task from being done, once those `besides` are.
  func obstacle(
    before task: StudyTask, besides: Set<String> = [], _ retried: Set<String> = [],
    _ stages: StageContext
  ) -> Obstacle? {
    func others(_ ids: [String]) -> [StudyTask] {
      plan.tasks.filter { ids.contains($0.id) && !besides.contains($0.id) }
    }
    for need in others(task.needs) {
      let record = folder.journal.record(of: need.id)
      switch retried.contains(need.id) ? .pending : record?.status {
      case .failed: return .failed("needs '\(need.name)', which failed")
      case .diverged: return .failed("needs '\(need.name)', which diverged")
      case .skipped: return .failed(record?.error ?? "needs '\(need.name)', which was skipped")
      default: break
      }
      if finished(need, stages) == nil {
        return .missing("needs '\(need.name)', which is not done")
      }
    }
    for earlier in others(task.follows) {
      let status = folder.journal.record(of: earlier.id)?.status ?? .pending
      if !status.isSettled || status == .interrupted {
        return .missing("comes after '\(earlier.name)', which has not ended")
      }
    }
    return nil
  }

  /// The record of a task whose result is there; nil where it is still to be done.
  func finished(_ task: StudyTask, _ stages: StageContext) -> TaskRecord? {
    guard let record = folder.journal.record(of: task.id), record.status.isFinal,
      stages.executable(task).isResultPresent(record)
    else { return nil }
    return record
  }

  private func execute(
    _ tasks: [StudyTask], _ options: StudyRunOptions
  ) throws -> ExecutionSummary {
    try execute(tasks, stages(threads: options.workers ?? taskThreads, options), options)
  }

  /// Runs tasks one after the other; what else they need is there.
  private func execute(
    _ tasks: [StudyTask], _ stages: StageContext, _ options: StudyRunOptions
  ) throws -> ExecutionSummary {
    let ids = Set(tasks.map(\.id))
    let summary = try TaskExecutor(
      tasks: tasks.map { stages.executable($0, among: ids) }, journal: folder.journal, workers: 1,
      failFast: options.failFast, reporter: options.reporter, noteEachTask: options.noteEachTask
    ).run()
    if !summary.records(.interrupted).isEmpty || !summary.records(.pending).isEmpty,
      summary.records(.failed).isEmpty || Interruption.isRequested
    {
      throw LabError.interrupted(
        "stopped with \(summary.records(.done).count) of \(tasks.count) tasks done")
    }
    return summary
  }
}

/// Which process works on which model.
extension StudyFolder {
  private static let claimName = ".claim"

  /// The folder in which a task's result is.
  func place(of task: StudyTask) -> URL {
    url.appendingPathComponent(task.output).deletingLastPathComponent()
  }

  /// The right to work on a group; nil where another process has it.
  func claim(_ group: TaskGroup) throws -> FolderLock? {
    for _ in 0..<5 {
      let place = place(of: group.tasks[0])
      if let lock = try FolderLock.ifFree(place, name: Self.claimName) { return lock }
      // Who looks whether it is held has it for a moment.
      Thread.sleep(forTimeInterval: 0.05)
    }
    return nil
  }

  /// Whether a process works on what a task makes or measures.
  func isClaimed(_ task: StudyTask) -> Bool {
    FolderLock.isHeld(place(of: task), name: Self.claimName)
  }
}
