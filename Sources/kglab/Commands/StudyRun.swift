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
        kglab study run my-study.yaml --prepare
        kglab study run my-study.yaml --model-index 3

      PARTS, for batch systems (docs/scale.md):
        --prepare freezes the plan in the study's folder and makes its graphs. --model-index and \
        --task-index then do a part of that plan, each in a process of its own, maybe on another machine, \
        and write the models' folders and tasks/ID.json alone. --merge writes study.sqlite and the report. \
        They end with 0 when all of the part is done, at once if it was; 75 when stopped after saving, or \
        while another process works on the model: the same command goes on; 66 when something that \
        the part reads is not there yet; 1 when a task failed.
      """)

  /// What `--json` prints.
  struct Outcome: Encodable {
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

  @Option(
    help: ArgumentHelp(
      "Do these tasks of the frozen plan alone: 4, or 3,7-9; numbers of 'kglab study plan'.",
      valueName: "numbers"))
  var taskIndex: String?

  @Option(
    help: ArgumentHelp(
      "Do all tasks of these models of the frozen plan alone, counted from 1 in the plan's order.",
      valueName: "numbers"))
  var modelIndex: String?

  @Option(help: "With --model-index: only what needs this many other models first (0, 1, ...).")
  var stage: Int?

  @Flag(help: "Freeze the plan and make the graphs, and no more.")
  var prepare = false

  @Flag(help: "Merge what is there and write the report, and no more.")
  var merge = false

  @Option(help: "Refuse unless the plan has this id, which 'kglab study export' writes.")
  var plan: String?

  @Flag(help: "Print the outcome as JSON.")
  var json = false

  func validate() throws {
    try OptionRange.require(workers, 1...256, "--workers")
    try OptionRange.require(stage, 0...10_000, "--stage")
    let parts = [taskIndex != nil, modelIndex != nil, prepare, merge, dryRun].count { $0 }
    guard parts <= 1 else {
      throw ValidationError(
        "give one of --task-index, --model-index, --prepare, --merge and --dry-run")
    }
    guard stage == nil || modelIndex != nil else {
      throw ValidationError("--stage is for --model-index, which it takes a part of")
    }
  }

  func run() throws {
    let file = try location.file()
    let folder = location.folder(of: file)
    let runner = try StudyRunner(file: file, folder: folder)
    try checkPlan(of: runner)
    if dryRun { return try show(runner, file) }
    var options = StudyRunOptions()
    options.workers = workers
    options.failFast = failFast
    if skipResourceCheck { options.resources = nil }
    options.reporter = ProgressReporter()
    options.noteEachTask = isatty(STDERR_FILENO) == 0
    Interruption.heed()
    if try runPart(of: runner, options) { return }
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
    try Complaint.check(
      summary.records, of: runner,
      skipped: " and \(summary.records(.skipped).count) were skipped")
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
