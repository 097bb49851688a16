import ArgumentParser
import Console
import Foundation
import LabCore
import Study

/// `kglab study work`.
struct StudyWorkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "work",
    abstract: "Do a study together with others of this command, on any machines, in one folder.",
    discussion: """
      Start as many as there are processors, whenever and wherever the folder is seen. Each takes the \
      largest model that has something to do and that no other is at, until nothing is left; the last \
      ones merge the results and write the report. One that ends, however it ends, leaves its work to the \
      others. What had failed before is tried once more.

      A model is kept to one process by the file system's locks. Where these do not reach other machines, by \
      what its mount says or two trials show, a file that is touched every 15 seconds takes their \
      place, and the work of a machine that was lost is taken up after two minutes. KGLAB_LOCKS=files or \
      KGLAB_LOCKS=system in the environment of all of them chooses.

      EXAMPLES:
        kglab study work my-study.yaml
        kglab study work my-study.yaml --out /shared/runs/mine --workers 4
      """)

  private struct Outcome: Encodable {
    let study: String
    let folder: String
    let locks: String
    let seconds: Double
    let tasks: [TaskRecord]
  }

  @OptionGroup var location: StudyLocation

  @Option(help: "Threads of this process; they change the speed, never the results.")
  var workers: Int?

  @Flag(help: "Begin even where the estimates of memory or disk say that the study cannot fit.")
  var skipResourceCheck = false

  @Flag(help: "Print what this process did as JSON.")
  var json = false

  func validate() throws { try OptionRange.require(workers, 1...256, "--workers") }

  func run() throws {
    let file = try location.file()
    let folder = location.folder(of: file)
    let runner = try StudyRunner(file: file, folder: folder)
    var options = StudyRunOptions()
    options.workers = workers
    options.reporter = ProgressReporter()
    options.noteEachTask = isatty(STDERR_FILENO) == 0
    if !skipResourceCheck {
      try runner.plan.check(.current, folder: folder, sideBySide: 1)
    }
    Interruption.heed()
    let worker = try StudyWorker(runner, options)
    let locks =
      switch LockReach.of(folder) {
      case .everywhere: "by the file system"
      case .less(let reason): "by touched files, as the file system \(reason)"
      }
    options.reporter.note("locks: \(locks)")
    let summary = try worker.run()
    if json {
      try Output.json(
        Outcome(
          study: file.name, folder: folder.relativePath, locks: locks, seconds: summary.seconds,
          tasks: summary.records))
    } else {
      let done = worker.records.count { $0.status == .done }
      Output.line(
        "did \(summary.records(.done).count) tasks in \(Readable.duration(summary.seconds)); "
          + "\(done) of \(runner.plan.tasks.count) are done")
      Output.next("open", runner.folder.report.relativePath)
    }
    try Complaint.check(worker.records, of: runner)
    if let first = summary.waiting.first {
      throw LabError(
        "\(summary.waiting.count) tasks are left that nothing makes possible: \(first); see 'kglab study status'",
        .failure)
    }
  }
}
