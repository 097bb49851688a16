import Evaluation
import Foundation
import LabCore

/// One of any number of equal processes that do a study together in one folder, whatever machines
/// they are on.
///
/// Each takes the next model that has something to do and that no other is at, until nothing is
/// left.
package final class StudyWorker {
  private let runner: StudyRunner
  private let options: StudyRunOptions
  private let stages: StageContext
  /// Largest first, so that the end isn't spent waiting for one.
  private let groups: [TaskGroup]
  /// Failures that stood when this process began, which are tried again, with the time of their
  /// record.
  private var failures: [String: Double] = [:]
  private var settled: Set<String> = []

  /// Takes the plan of the study's folder, or freezes it where there is none.
  ///
  /// Throws `LabError` when the folder's plan is another.
  package init(_ runner: StudyRunner, _ options: StudyRunOptions) throws {
    self.runner = runner
    self.options = options
    stages = runner.stages(threads: options.workers ?? runner.taskThreads, options)
    groups = runner.plan.groups(of: runner.plan.tasks).sorted {
      $0.tasks.reduce(0) { $0 + $1.cost.seconds } > $1.tasks.reduce(0) { $0 + $1.cost.seconds }
    }
    try AtomicFile.createFolder(runner.folder.url)
    while !FileManager.default.fileExists(atPath: runner.folder.plan.path) {
      // Another that is at it has it in a moment.
      guard let lock = try FolderLock.ifFree(runner.folder.url, name: FolderLock.writing) else {
        Thread.sleep(forTimeInterval: 0.1)
        continue
      }
      defer { withExtendedLifetime(lock) {} }
      try runner.writePlan()
    }
    try runner.checkFrozen()
    try runner.awaitFolder()
    for task in runner.plan.tasks {
      let status = runner.folder.journal.record(of: task.id)?.status
      guard status == .failed || status == .skipped else { continue }
      failures[task.id] = runner.folder.journal.time(of: task.id)
    }
  }

  /// Works until nothing is left that could be done, then merges the results; `pause` is the
  /// seconds between two looks while all that is left waits for others.
  ///
  /// Returns what this process did. Throws `LabError.interrupted` when asked to stop, after saving.
  package func run(pause: Double = 1) throws -> PartSummary {
    var summary = PartSummary()
    while true {
      let before = settled.count
      switch try step(&summary) {
      case .done: continue
      case .waiting: Thread.sleep(forTimeInterval: pause)
      // What ended between two looks may have made something possible.
      case .nothing where settled.count > before: continue
      case .nothing:
        try merge()
        summary.waiting = left
        return summary
      }
      guard !Interruption.isRequested else {
        throw LabError.interrupted(
          "stopped with \(settled.count) of \(runner.plan.tasks.count) tasks done")
      }
    }
  }

  /// The records of all tasks of the study, as they are now.
  package var records: [TaskRecord] {
    runner.plan.tasks.compactMap { runner.folder.journal.record(of: $0.id) }
  }

  // MARK: Steps

  private enum Step { case done, waiting, nothing }

  /// Does the first group that can be claimed.
  private func step(_ summary: inout PartSummary) throws -> Step {
    var isBusy = false
    for group in groups where open(group) != nil {
      guard let claim = try runner.folder.claim(group) else {
        isBusy = true
        continue
      }
      defer { withExtendedLifetime(claim) {} }
      // Between the look and the claim another may have done it.
      guard let open = open(group) else { continue }
      var own = PartSummary()
      let retried = Set(runner.plan.tasks.map(\.id).filter(isToBeRetried))
      try runner.run(
        open, retried: retried.subtracting(open.tasks.map(\.id)), stages, options, &own)
      summary.records += own.records
      summary.seconds += own.seconds
      return .done
    }
    return isBusy ? .waiting : .nothing
  }

  /// What of a group is still to be done and could be begun; nil where nothing is.
  private func open(_ group: TaskGroup) -> TaskGroup? {
    let tasks = group.tasks.filter { !isSettled($0) }
    guard let first = tasks.first else { return nil }
    let retried = Set(first.needs.filter(isToBeRetried))
    if case .missing = runner.obstacle(before: first, retried, stages) { return nil }
    return TaskGroup(stage: group.stage, owner: group.owner, tasks: tasks)
  }

  private func isSettled(_ task: StudyTask) -> Bool {
    if settled.contains(task.id) { return true }
    let status = runner.folder.journal.record(of: task.id)?.status
    let isTried = (status == .failed || status == .skipped) && !isToBeRetried(task.id)
    guard isTried || runner.finished(task, stages) != nil else { return false }
    settled.insert(task.id)
    return true
  }

  /// Whether a task failed before this process began, and nobody has tried it since.
  private func isToBeRetried(_ id: String) -> Bool {
    failures[id].map { $0 == runner.folder.journal.time(of: id) } ?? false
  }

  private var left: [String] {
    runner.plan.tasks.filter { $0.kind != .report && !isSettled($0) }.map { "'\($0.name)' is left" }
  }

  // MARK: The end

  /// Writes study.sqlite and the report unless another did since the last task ended.
  private func merge() throws {
    guard let report = runner.plan.tasks(.report).first else { return }
    let journal = runner.folder.journal
    while true {
      if journal.record(of: report.id)?.status == .done, let made = journal.time(of: report.id) {
        let times = runner.plan.tasks.filter { $0.id != report.id }.compactMap {
          journal.time(of: $0.id)
        }
        if times.allSatisfy({ $0 <= made }) { return }
      }
      if let lock = try FolderLock.ifFree(runner.folder.url, name: FolderLock.writing) {
        defer { withExtendedLifetime(lock) {} }
        let summary = try runner.makeReport(options)
        guard let failure = summary.records(.failed).first else { return }
        throw LabError(failure.error ?? "the report could not be made", .failure)
      }
      Thread.sleep(forTimeInterval: 0.2)
    }
  }
}
