import ArgumentParser
import Console
import Foundation
import LabCore
import Study

/// A part of a study, as a job of a batch system does it.
extension StudyRunCommand {
  /// Refuses a study whose plan is not the one that was asked for by its id.
  func checkPlan(of runner: StudyRunner) throws {
    guard let plan, plan != runner.plan.id else { return }
    throw LabError(
      "\(location.study) gives the plan \(runner.plan.id), not \(plan): the study's file, kglab or the machine "
        + "is another; export again with 'kglab study export'")
  }

  /// Does the part that was asked for; false where the whole study was.
  func runPart(of runner: StudyRunner, _ options: StudyRunOptions) throws -> Bool {
    if prepare {
      let summary = try runner.prepare(options)
      try show(summary.records, summary.reusedCount, summary.seconds, of: runner)
      try Complaint.check(summary.records, of: runner)
    } else if merge {
      try mergeParts(of: runner, options)
    } else if let taskIndex {
      let numbers = try NumberList.numbers(taskIndex, "--task-index")
      try run(runner.plan.tasks(numbered: numbers), of: runner, options)
    } else if let modelIndex {
      let numbers = try NumberList.numbers(modelIndex, "--model-index")
      let tasks = try runner.plan.tasks(ofModels: numbers)
      let groups = runner.plan.groups(of: tasks).filter { stage == nil || $0.stage == stage }
      try run(groups.flatMap(\.tasks), of: runner, options)
    } else {
      return false
    }
    return true
  }

  private func run(
    _ tasks: [StudyTask], of runner: StudyRunner, _ options: StudyRunOptions
  ) throws {
    let summary = try runner.run(part: tasks, options)
    try show(
      summary.records, summary.reusedCount, summary.seconds, of: runner, asked: tasks.count)
    try Complaint.check(summary.records, of: runner)
    // What a training that was to diverge leaves out lacks nothing.
    let skipped = summary.records(.skipped).filter {
      !(runner.file.expectsDivergence && $0.error?.hasSuffix(", which diverged") ?? false)
    }
    let left = summary.waiting + skipped.map { "'\($0.name)' \($0.error ?? "was skipped")" }
    guard let first = left.first else { return }
    throw LabError(
      "\(left.count) of \(tasks.count) tasks cannot be done yet: \(first)"
        + (left.count > 1 ? ", and \(left.count - 1) more" : "")
        + "; run the same command again once what they read is there", .notReady)
  }

  private func mergeParts(of runner: StudyRunner, _ options: StudyRunOptions) throws {
    let (summary, missing) = try runner.merge(options)
    try show(summary.records, 0, summary.seconds, of: runner, hasReport: true)
    try Complaint.check(summary.records, of: runner)
    guard let first = missing.first else { return }
    throw LabError(
      "the report is written, and lacks \(missing.count) of \(runner.plan.tasks.count - 1) tasks: \(first.name)"
        + (missing.count > 1 ? ", and \(missing.count - 1) more" : "")
        + "; see 'kglab study status \(Readable.shellWord(runner.folder.url.relativePath))'",
      .failure)
  }

  private func show(
    _ records: [TaskRecord], _ reused: Int, _ seconds: Double, of runner: StudyRunner,
    asked: Int? = nil, hasReport: Bool = false
  ) throws {
    if json {
      return try Output.json(
        Outcome(
          study: runner.file.name, folder: runner.folder.url.relativePath,
          report: hasReport ? runner.folder.report.relativePath : nil, reused: reused,
          seconds: seconds, tasks: records))
    }
    let done = records.count { $0.status == .done }
    Output.line(
      "\(done) of \(asked ?? records.count) tasks done, \(reused) of them before, in "
        + Readable.duration(seconds))
  }
}

/// What of a study's tasks ends a command with an error.
enum Complaint {
  /// Throws for tasks that failed, and for trainings that diverged where the study does not expect
  /// it.
  static func check(_ records: [TaskRecord], of runner: StudyRunner, skipped: String = "") throws {
    let failed = records.filter { $0.status == .failed }
    guard failed.isEmpty else {
      let list = failed.map { "; \($0.name): \($0.error ?? "unknown error")" }.joined()
      throw LabError(
        "\(failed.count) of \(records.count) tasks failed\(skipped); "
          + "run the same command again to try them again\(list)", .failure)
    }
    let diverged = records.filter { $0.status == .diverged }
    guard diverged.isEmpty || runner.file.expectsDivergence else {
      let list = diverged.map { "; \($0.name): \($0.error ?? "")" }.joined()
      throw LabError(
        "\(diverged.count) of \(runner.plan.tasks(.train).count) trainings diverged; lower their learning "
          + "rate, or write expect_divergence: true where that is a result\(list)", .failure)
    }
  }
}

/// Numbers and ranges of them: "3,7-9".
enum NumberList {
  /// The most that an option may name, so that a range is no way to fill the memory.
  private static let most = 100_000

  /// The numbers in an option's list.
  ///
  /// Throws `LabError` for a part that is neither a number from 1 nor a range of such, and for one
  /// given twice.
  static func numbers(_ text: String, _ option: String) throws -> [Int] {
    let ranges = try OptionList.values(text, option) { part in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        1 <= first, first <= last, last <= most
      else {
        throw LabError(
          "\(option) has '\(part)'; give numbers from 1 to \(most) and ranges, such as 3,7-9",
          .usage)
      }
      return first...last
    }
    return ranges.flatMap { Array($0) }
  }
}
