import Compute
import Corpus
package import Foundation
package import KnowledgeGraph
import LabCore
import LanguageModel

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
  private let graphAbsolutePath: String
  private let folder: URL
  private let options: RuntimeOptions
  private let startPath: String?
  /// What the training needs of the machine.
  package let estimate: TrainingEstimate

  /// Throws when the request is impossible on this graph.
  package init(
    graph: KnowledgeGraph, graphURL: URL, request: TrainingRequest, folder: URL,
    options: RuntimeOptions = RuntimeOptions()
  ) throws {
    self.graph = graph
    self.folder = folder
    self.options = options
    graphAbsolutePath = graphURL.resolvingSymlinksInPath().path
    resolved = try request.resolve(
      graph: graph, graphPath: graphURL.path(from: folder),
      begun: RunFolder.readRecord(folder)?.configuration)
    startPath = request.start?.path(from: folder)
    let keptSteps = try options.keep.steps(
      stepsPerEpoch: resolved.schedule.stepsPerEpoch, stepCount: resolved.record.stepCount)
    estimate = try TrainingEstimate(
      resolved.record, workers: options.workers, keptCount: keptSteps.count,
      keepLast: options.keepLast, torch: options.torch)
  }

  /// The configuration and counts of the run, before it has begun.
  package var plan: RunRecord {
    var record = resolved.record
    record.graphAbsolutePath = graphAbsolutePath
    record.estimate = estimate
    record.startPath = startPath
    record.answers = resolved.answers?.tally
    return record
  }

  /// Trains to the end, from the newest checkpoint if there is one; a finished run is returned as
  /// it is.
  ///
  /// Throws `LabError.interrupted` after saving when asked to stop, `TrainingDiverged` when the
  /// loss left its range now or when the folder was last trained in, and an error naming the
  /// difference when the folder holds another run. What the machine has no room for is refused
  /// before anything is written.
  package func run(onProgress: (TrainingProgress) -> Void = { _ in }) throws -> RunRecord {
    try RunFolder.checkUsable(folder, for: resolved.record)
    // Before the lock, which takes a folder that can be written.
    if let record = try RunFolder.readRecord(folder), record.status == .complete {
      try checkFinished(record)
      return record
    }
    if let resources = options.resources { try estimate.check(resources, folder: folder) }
    let lock = try FolderLock(folder)
    defer { withExtendedLifetime(lock) {} }
    if let record = try RunFolder.readRecord(folder) {
      if record.status == .complete {
        try checkFinished(record)
        return record
      }
      if let divergence = record.divergence { try checkCanGoOn(after: divergence) }
    }
    // Before anything is written: an engine that does not start leaves no claim on the folder.
    var session = try TrainingSession(resolved, folder: folder, options: options)
    try RunFolder.begin(folder, plan, tokenizer: resolved.tokenizer)
    if let chosen = resolved.chosen {
      try AtomicFile.write(
        chosen.data, to: folder.appendingPathComponent(ChosenTriples.fileName))
    }
    if let answers = resolved.answers {
      try AtomicFile.write(
        answers.data, to: folder.appendingPathComponent(AnswerLines.fileName))
    }
    do {
      try train(&session, onProgress: onProgress)
    } catch let divergence as TrainingDiverged {
      var record = plan
      record.engine = session.engineRecord
      try RunFolder.recordDivergence(folder, record, divergence, session.state)
      throw divergence
    }
    return try finish(session)
  }

  /// A run that ended before: its weights are checked, and what is asked of it now and is not there
  /// is named.
  ///
  /// Returns nothing: with the record as its result, the optimised build of Swift 6.3.1 crashed on
  /// the way back, as if an error had been thrown (.ci/run has the case).
  private func checkFinished(_ record: RunRecord) throws {
    try FileCheck.verify(
      folder.appendingPathComponent(ModelFiles.weights), hash: record.weightsHash,
      statedIn: RunFolder.recordName)
    CheckpointStore(runFolder: folder).removeAll()
    warnOfMissing(after: record.stepCount)
  }

  /// Names the steps to be kept that lie behind `step` and are not there.
  private func warnOfMissing(after step: Int) {
    let present = Set(KeptCheckpoints(runFolder: folder).steps)
    let wanted = try? options.keep.steps(
      stepsPerEpoch: resolved.schedule.stepsPerEpoch, stepCount: resolved.record.stepCount)
    let missing = (wanted ?? []).filter { $0 <= step && !present.contains($0) }
    guard let first = missing.first else { return }
    options.warn(
      "\(folder.path) has passed step \(first)"
        + (missing.count > 1 ? " and \(missing.count - 1) more that are" : " that is")
        + " to be kept; to have \(missing.count > 1 ? "them" : "it"), train again into another --out"
    )
  }

  /// Throws a recorded divergence again, unless it was a spike and spikes are to be gone on from.
  private func checkCanGoOn(after divergence: TrainingDiverged) throws {
    guard divergence.reason == .lossSpike, options.onSpike == .continue else {
      var divergence = divergence
      divergence.wasRecordedIn = folder.path
      throw divergence
    }
  }

  private func train(
    _ session: inout TrainingSession, onProgress: (TrainingProgress) -> Void
  ) throws {
    let watch = Stopwatch()
    let secondsBefore = session.state.secondsElapsed
    let firstStep = session.state.step
    let firstTokens = session.state.tokensSeen
    var sinceSaved = Stopwatch()
    warnOfMissing(after: firstStep - 1)
    try session.keepIfPlanned()
    let log =
      options.logsSteps || options.probeSteps != nil
      ? try StepLog(
        in: folder, after: firstStep, hash: session.stepLogHash, warn: options.warn) : nil
    while session.state.step < session.stepCount {
      if options.shouldStop() { try stop(&session, log) }
      do {
        try session.advance()
      } catch {
        try log?.flush()
        throw error
      }
      if let metrics = session.lastStep { try log?.append(metrics) }
      let elapsed = max(watch.seconds, 1e-9)
      session.state.secondsElapsed = secondsBefore + elapsed
      let stepsDone = session.state.step - firstStep
      onProgress(
        TrainingProgress(
          step: session.state.step, stepCount: session.stepCount,
          crossEntropy: session.runningCrossEntropy,
          tokensPerSecond: Double(session.state.tokensSeen - firstTokens) / elapsed,
          secondsLeft: elapsed / Double(stepsDone) * Double(session.stepCount - session.state.step))
      )
      // Before the checkpoint to continue from, so that nothing kept is lost between the two.
      try session.keepIfPlanned()
      let isDue =
        sinceSaved.seconds >= options.checkpointSeconds
        || options.checkpointSteps.map { session.state.step % $0 == 0 } ?? false
      if isDue {
        try session.saveCheckpoint(log)
        sinceSaved = Stopwatch()
      }
    }
    try log?.flush()
  }

  /// Saves what is not saved yet and ends the run as one to be continued.
  private func stop(_ session: inout TrainingSession, _ log: StepLog?) throws -> Never {
    try log?.flush()
    if session.hasUnsavedSteps { try session.saveCheckpoint(log) }
    throw LabError.interrupted(
      "stopped at step \(session.state.step) of \(session.stepCount)"
        + (session.state.step > 0 ? " with a checkpoint in " : ", before the first, in ")
        + folder.path)
  }

  private func finish(_ session: TrainingSession) throws -> RunRecord {
    var record = plan
    let state = session.state
    record.weightsHash = try session.saveModel().hex
    record.engine = session.engineRecord
    record.status = .complete
    record.initialCrossEntropy = state.initialCrossEntropy
    record.finalCrossEntropy = state.metrics.last?.crossEntropy
    record.secondsElapsed = state.secondsElapsed
    record.tokensPerSecond = Double(state.tokensSeen) / max(state.secondsElapsed, 1e-9)
    record.peakMemoryMiB = ProcessMemory.peakMiB
    record.sessionCount = state.sessionCount
    record.storedBytes = session.storedSize?.bytes
    record.zeroShare = session.storedSize?.zeroShare
    record.spikes = state.lossMonitor.flatMap { $0.spikes.isEmpty ? nil : $0.spikes }
    try RunFolder.complete(folder, record, metrics: state.metrics)
    session.removeCheckpoints()
    return record
  }
}
