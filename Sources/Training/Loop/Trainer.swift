import Compute
import Corpus
package import Foundation
package import KnowledgeGraph
import LabCore
import LanguageModel

/// How to run a training; nothing here changes the resulting weights.
package struct RuntimeOptions: Sendable {
  package var workers = 2
  /// Seconds of work between checkpoints.
  package var checkpointSeconds = 30.0
  /// Steps between checkpoints, besides the seconds; nil for none.
  package var checkpointSteps: Int?
  /// Whether to write a line for each step to steps.jsonl.
  package var logsSteps = false
  /// Polled between steps; true saves a checkpoint and ends the run with `LabError.interrupted`.
  package var shouldStop: @Sendable () -> Bool = { Interruption.isRequested }

  package init() {}
}

/// Where a training stands.
package struct TrainingProgress: Sendable {
  package let step: Int
  package let stepCount: Int
  /// Mean loss in nats of the epoch so far.
  package let crossEntropy: Double
  package let tokensPerSecond: Double
  package let secondsLeft: Double
}

/// Trains one model on one graph into one folder; run again, it continues where it was.
package struct Trainer {
  private let graph: KnowledgeGraph
  private let resolved: ResolvedTraining
  private let folder: URL
  private let options: RuntimeOptions

  /// Throws when the request is impossible on this graph.
  package init(
    graph: KnowledgeGraph, graphURL: URL, request: TrainingRequest, folder: URL,
    options: RuntimeOptions = RuntimeOptions()
  ) throws {
    self.graph = graph
    self.folder = folder
    self.options = options
    resolved = try request.resolve(graph: graph, graphPath: graphURL.path(from: folder))
  }

  /// The configuration and counts of the run, before it has begun.
  package var plan: RunRecord { resolved.record }

  /// Trains to the end, from the newest checkpoint if there is one; a finished run is returned as it is.
  ///
  /// Throws `LabError.interrupted` after saving when asked to stop, and an error naming the difference when
  /// the folder holds another run. A `TrainingDivergence` is also in run.json.
  package func run(onProgress: (TrainingProgress) -> Void = { _ in }) throws -> RunRecord {
    try RunFolder.checkUsable(folder, for: resolved.record)
    let lock = try FolderLock(folder)
    defer { withExtendedLifetime(lock) {} }
    if let record = try RunFolder.readRecord(folder), record.status == .complete {
      CheckpointStore(runFolder: folder).removeAll()
      return record
    }
    try RunFolder.begin(folder, resolved.record, tokenizer: resolved.tokenizer)
    var session = try TrainingSession(resolved, folder: folder, workers: options.workers)
    do {
      try train(&session, onProgress: onProgress)
    } catch let divergence as TrainingDivergence {
      try RunFolder.recordDivergence(folder, resolved.record, session.state, divergence)
      throw divergence
    }
    return try finish(session)
  }

  private func train(
    _ session: inout TrainingSession, onProgress: (TrainingProgress) -> Void
  ) throws {
    let began = Date()
    let secondsBefore = session.state.secondsElapsed
    let firstStep = session.state.step
    let firstTokens = session.state.tokensSeen
    var lastSaved = began
    let log = options.logsSteps ? try StepLog(in: folder, after: firstStep) : nil
    while session.state.step < session.stepCount {
      try session.advance()
      if let metrics = session.lastStep { try log?.append(metrics) }
      let now = Date()
      session.state.secondsElapsed = secondsBefore + now.timeIntervalSince(began)
      let elapsed = max(now.timeIntervalSince(began), 1e-9)
      let stepsDone = session.state.step - firstStep
      onProgress(
        TrainingProgress(
          step: session.state.step, stepCount: session.stepCount,
          crossEntropy: session.runningCrossEntropy,
          tokensPerSecond: Double(session.state.tokensSeen - firstTokens) / elapsed,
          secondsLeft: elapsed / Double(stepsDone) * Double(session.stepCount - session.state.step))
      )
      let isDue =
        now.timeIntervalSince(lastSaved) >= options.checkpointSeconds
        || options.checkpointSteps.map { session.state.step % $0 == 0 } ?? false
      let mustStop = options.shouldStop() && session.state.step < session.stepCount
      if isDue || mustStop {
        try log?.flush()
        try session.saveCheckpoint()
        lastSaved = now
      }
      if mustStop {
        throw LabError.interrupted(
          "stopped at step \(session.state.step) of \(session.stepCount) with a checkpoint in "
            + folder.path)
      }
    }
    try log?.flush()
  }

  private func finish(_ session: TrainingSession) throws -> RunRecord {
    var record = resolved.record
    let state = session.state
    try session.saveModel()
    record.status = .complete
    record.initialCrossEntropy = state.initialCrossEntropy
    record.finalCrossEntropy = state.metrics.last?.crossEntropy
    record.secondsElapsed = state.secondsElapsed
    record.tokensPerSecond = Double(state.tokensSeen) / max(state.secondsElapsed, 1e-9)
    record.peakMemoryMiB = ProcessMemory.peakMiB
    try RunFolder.complete(folder, &record, metrics: state.metrics)
    session.removeCheckpoints()
    return record
  }
}
