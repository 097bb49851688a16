import ArgumentParser
import Console
import LabCore
import Training

/// Which checkpoints a training writes, to continue from and to stay.
struct CheckpointOptions: ParsableArguments {
  @Option(help: "Seconds between checkpoints to continue from.")
  var checkpointSeconds: Double = 30

  @Option(help: "Steps between checkpoints to continue from, besides the seconds.")
  var checkpointSteps: Int?

  @Option(help: "Checkpoints to continue from that are there at once; they go when training ends.")
  var keepLast: Int = RuntimeOptions().keepLast

  @Option(
    help: ArgumentHelp(
      "Steps whose weights stay: numbers separated by commas, and log for 1, 2, 4, ... and the last.",
      valueName: "steps"))
  var keepSteps: String?

  @Option(
    help: ArgumentHelp(
      "Epochs whose last weights stay: numbers separated by commas, or all.", valueName: "epochs"))
  var keepEpochs: String?

  func validate() throws {
    guard checkpointSeconds > 0 else {
      throw ValidationError("--checkpoint-seconds is \(checkpointSeconds); it must be above 0")
    }
    try OptionRange.require(checkpointSteps, 1...1_000_000_000, "--checkpoint-steps")
    try OptionRange.require(keepLast, 1...1_000, "--keep-last")
  }

  /// Options of a run with these checkpoints.
  func runtimeOptions() throws -> RuntimeOptions {
    var options = RuntimeOptions()
    options.checkpointSeconds = checkpointSeconds
    options.checkpointSteps = checkpointSteps
    options.keepLast = keepLast
    options.keep = try KeepPlan(steps: keepSteps, epochs: keepEpochs)
    return options
  }
}

/// What a training does when something is wrong.
struct SafetyOptions: ParsableArguments {
  @Option(help: "When the loss stays far above where it was: stop, or continue all the same.")
  var onSpike: RuntimeOptions.SpikeResponse = .stop

  @Flag(help: "Begin even where the estimate of memory or disk says that the training cannot fit.")
  var skipResourceCheck = false

  func apply(to options: inout RuntimeOptions) {
    options.onSpike = onSpike
    if skipResourceCheck { options.resources = nil }
  }
}

extension RuntimeOptions.SpikeResponse: ExpressibleByArgument {}
