import ArgumentParser
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

  func validate() throws {
    guard (1...256).contains(count) else {
      throw ValidationError("--workers is \(count); it must be between 1 and 256")
    }
  }
}
