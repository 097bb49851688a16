import ArgumentParser
import Console
import LabCore

/// The option `--workers`, of all commands that share their work among threads.
///
/// Its default is left out of the help, which is to be the same on every machine.
struct WorkerOptions: ParsableArguments {
  @Option(
    name: .customLong("workers"),
    help: "Threads; they change the speed, never the result. By default one a processor, at most 8."
  )
  var requested: Int?

  var count: Int { requested ?? MachineResources.defaultWorkerCount }

  /// Does work whose progress is shown until it ends.
  func during<Result>(_ body: (Work) throws -> Result) rethrows -> Result {
    try ProgressReporter.during { try body(Work(workers: count, $0)) }
  }

  func validate() throws { try OptionRange.require(requested, 1...256, "--workers") }
}
