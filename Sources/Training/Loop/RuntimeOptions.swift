package import Engine
package import LabCore

/// How to run a training; nothing here changes the resulting weights.
package struct RuntimeOptions: Sendable {
  /// What to do when the loss stays far above where it was.
  package enum SpikeResponse: String, CaseIterable, Sendable {
    case stop, `continue`
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
  /// Steps from one that is probed to the next, the first and each multiple, in steps.jsonl; nil
  /// for none.
  package var probeSteps: Int?
  package var onSpike = SpikeResponse.stop
  /// How the torch engine is started, for trainings that are its.
  package var torch = EngineOptions()
  /// What the machine has; nil to begin whatever the estimates say.
  package var resources: MachineResources? = .current
  /// Polled between steps; true saves a checkpoint and ends the run with `LabError.interrupted`.
  package var shouldStop: @Sendable () -> Bool = { Interruption.isRequested }
  /// Takes one sentence about what went otherwise than hoped and was dealt with.
  package var warn: @Sendable (String) -> Void = Warning.print

  package init() {}
}
