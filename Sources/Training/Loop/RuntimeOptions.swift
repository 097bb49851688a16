package import LabCore

/// How to run a training; nothing here changes the resulting weights.
package struct RuntimeOptions: Sendable {
  /// What to do when the loss stays far above where it was.
  package enum SpikeResponse: String, CaseIterable, Sendable {
    case stop, `continue`
  }

  /// A place in the loop at which a caller may look on; `Trainer` calls in this order.
  package enum Moment: String, Sendable {
    /// A step's update is done, nothing of it is saved.
    case stepped
    /// A checkpoint is half-written, under its other name.
    case saving
    /// A checkpoint is whole.
    case saved
  }

  package var workers = 2
  /// Seconds of work between checkpoints.
  package var checkpointSeconds = 30.0
  /// Steps between checkpoints, besides the seconds; nil for none.
  package var checkpointSteps: Int?
  /// Checkpoints to continue from that are there at once, at least 1.
  package var keepLast = 2
  /// Steps whose weights stay when the run has ended.
  package var keep = KeepPlan()
  /// Whether to write a line for each step to steps.jsonl.
  package var logsSteps = false
  package var onSpike = SpikeResponse.stop
  /// What the machine has; nil to begin whatever the estimates say.
  package var resources: MachineResources? = .current
  /// Polled between steps; true saves a checkpoint and ends the run with `LabError.interrupted`.
  package var shouldStop: @Sendable () -> Bool = { Interruption.isRequested }
  /// Takes one sentence about what went otherwise than hoped and was dealt with.
  package var warn: @Sendable (String) -> Void = Warning.print
  /// Called at each moment with the number of steps done.
  package var onMoment: @Sendable (Moment, Int) -> Void = { _, _ in }

  package init() {}
}
