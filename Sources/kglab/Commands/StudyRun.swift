import ArgumentParser
import Console
import Foundation
import LabCore
import Study

/// `kglab study run`.
struct StudyRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run what is missing of a study, then write its report.",
    discussion: """
      Tasks run side by side, each as soon as what it needs is done. A failed task is reported and what \
      depends on it left out; the others go on. Interrupted or killed, the same command continues. A \
      training that diverges ends with 1 too, unless the study says expect_divergence: true.

      EXAMPLES:
        kglab study run experiments/quickstart
        kglab study run my-study.yaml --out runs/mine --workers 4
        kglab study run my-study.yaml --dry-run
      """)

  /// What `--json` prints.
  private struct Outcome: Encodable {
    let study: String
    let folder: String
    let report: String?
    let reused: Int
    let seconds: Double
    let tasks: [TaskRecord]
  }

  @OptionGroup var location: StudyLocation

  @Option(help: "Threads in all; they change the speed, never the results.")
  var workers: Int?

  @Flag(help: "Stop at the first failure.")
  var failFast = false

  @Flag(help: "Begin even where the estimates of memory or disk say that the study cannot fit.")
  var skipResourceCheck = false

  @Flag(help: "Show the plan and run nothing.")
  var dryRun = false

  @Flag(help: "Print the outcome as JSON.")
  var json = false

  func validate() throws { try OptionRange.require(workers, 1...256, "--workers") }

  func run() throws {
    let file = try location.file()
    let folder = location.folder(of: file)
    let runner = try StudyRunner(file: file, folder: folder)
    if dryRun { return try show(runner, file) }
    var options = StudyRunOptions()
    options.workers = workers
    options.failFast = failFast
    if skipResourceCheck { options.resources = nil }
    options.reporter = ProgressReporter()
    options.noteEachTask = isatty(STDERR_FILENO) == 0
    Interruption.heed()
    let summary = try runner.run(options)
    let hasReport = FileManager.default.fileExists(atPath: runner.folder.report.path)
    if json {
      try Output.json(
        Outcome(
          study: file.name, folder: folder.relativePath,
          report: hasReport ? runner.folder.report.relativePath : nil, reused: summary.reusedCount,
          seconds: summary.seconds, tasks: summary.records))
    } else {
      describe(summary, runner, hasReport: hasReport)
    }
    let failed = summary.records(.failed)
    guard failed.isEmpty else {
      let list = failed.map { "; \($0.name): \($0.error ?? "unknown error")" }.joined()
      throw LabError(
        "\(failed.count) of \(summary.records.count) tasks failed and "
          + "\(summary.records(.skipped).count) were skipped; "
          + "run the same command again to try them again\(list)", .failure)
    }
    let diverged = summary.records(.diverged)
    guard diverged.isEmpty || file.expectsDivergence else {
      let list = diverged.map { "; \($0.name): \($0.error ?? "")" }.joined()
      throw LabError(
        "\(diverged.count) of \(runner.plan.tasks(.train).count) trainings diverged; lower their learning "
          + "rate, or write expect_divergence: true where that is a result\(list)", .failure)
    }
  }

  private func show(_ runner: StudyRunner, _ file: StudyFile) throws {
    if json { return try Output.json(runner.plan) }
    let workers = workers ?? file.workers
    PlanText.show(runner, workers: workers, sideBySide: min(file.sideBySide, workers))
    Output.line("ran nothing (--dry-run)")
  }

  private func describe(
    _ summary: ExecutionSummary, _ runner: StudyRunner, hasReport: Bool
  ) {
    let done = summary.records(.done).count
    let diverged = summary.records(.diverged).count
    Output.line(
      "\(done) of \(summary.records.count) tasks done, \(summary.reusedCount) of them before, in "
        + Readable.duration(summary.seconds)
        + (diverged == 0 ? "" : "; \(diverged) training\(diverged == 1 ? "" : "s") diverged"))
    let leftovers = runner.folder.leftovers(runner.plan)
    if !leftovers.isEmpty {
      Output.line(
        "\(leftovers.count) model folders are of earlier versions of the study and are left: "
          + leftovers.prefix(3).joined(separator: ", ") + (leftovers.count > 3 ? ", ..." : ""))
    }
    guard hasReport else { return }
    Output.line(
      "wrote \(runner.folder.report.relativePath) and \(runner.folder.database.relativePath)")
    Output.next("open", runner.folder.report.relativePath)
  }
}
