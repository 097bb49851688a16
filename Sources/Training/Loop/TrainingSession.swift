import Compute
import Corpus
import Engine
import Foundation
import LabCore
import LanguageModel

/// A training under way: data, model, optimiser, and where they stand.
struct TrainingSession {
  var state: TrainingState
  /// What the last step measured; nil before the first.
  private(set) var lastStep: TrainingMetrics?
  let stepCount: Int
  /// Of steps.jsonl, when the checkpoint that this continues from was written.
  let stepLogHash: String?
  private let resolved: ResolvedTraining
  private let folder: URL
  private let engine: any TrainingEngine
  private let schedule: LearningRateSchedule
  private let checkpoints: CheckpointStore
  private let kept: KeptCheckpoints
  private let keptSteps: Set<Int>
  private let options: RuntimeOptions
  private var savedStep: Int?
  private var epoch: Epoch

  /// A new training, or the continuation of the newest checkpoint in `folder`.
  init(_ resolved: ResolvedTraining, folder: URL, options: RuntimeOptions) throws {
    let configuration = resolved.record.configuration
    let training = configuration.training
    self.resolved = resolved
    self.folder = folder
    self.options = options
    engine = try resolved.engine(options)
    stepCount = resolved.record.stepCount
    schedule = LearningRateSchedule(training, stepCount: stepCount)
    checkpoints = CheckpointStore(runFolder: folder)
    kept = KeptCheckpoints(runFolder: folder)
    keptSteps = Set(
      try options.keep.steps(
        stepsPerEpoch: resolved.schedule.stepsPerEpoch, stepCount: stepCount))
    let restored = try checkpoints.restoreNewest(
      engine.model, engine.optimizer, configuration, warn: options.warn)
    try engine.load()
    state = restored?.state ?? TrainingState()
    savedStep = restored?.state.step
    stepLogHash = restored?.stepLogHash
    if restored != nil { state.sessionCount = (state.sessionCount ?? 1) + 1 }
    epoch = resolved.schedule.epoch(state.step / resolved.schedule.stepsPerEpoch)
  }

  /// Mean loss in nats of the epoch so far, or of the last one at its end.
  var runningCrossEntropy: Double {
    state.epochLossCount > 0
      ? state.epochLossSum / Double(state.epochLossCount) : state.metrics.last?.crossEntropy ?? .nan
  }

  /// One step of training: a batch, its gradient, the update.
  mutating func advance() throws {
    let stepsPerEpoch = resolved.schedule.stepsPerEpoch
    if state.step / stepsPerEpoch != epoch.number {
      epoch = resolved.schedule.epoch(state.step / stepsPerEpoch)
    }
    let batch = epoch.batch(state.step % stepsPerEpoch)
    let (loss, norm) = try engine.gradient(of: batch)
    let meanLoss = loss / Double(max(batch.lossCount, 1))
    guard loss.isFinite, norm.isFinite else {
      throw divergence(.notFinite, loss: meanLoss, norm: norm)
    }
    if state.step == 0 {
      state.initialCrossEntropy = meanLoss
    }
    try watch(meanLoss, norm: norm)
    let learningRate = schedule.rate(at: state.step)
    let probe = try probe(batch)
    try engine.update(norm: norm, learningRate: learningRate, number: state.step)
    state.step += 1
    state.tokensSeen += batch.tokens.count
    state.epochLossSum += loss
    state.epochLossCount += batch.lossCount
    let metrics = TrainingMetrics(
      step: state.step, tokensSeen: state.tokensSeen,
      crossEntropy: meanLoss, gradientNorm: norm, learningRate: learningRate)
    lastStep = metrics
    lastStep?.probe = probe
    if state.step % stepsPerEpoch == 0 || state.step == stepCount { endEpoch(metrics) }
  }

  /// What the step at hand says of stability, where it is one to be probed.
  private func probe(_ batch: TokenBatch) throws -> StepProbe? {
    guard let every = options.probeSteps, state.step == 0 || (state.step + 1) % every == 0 else {
      return nil
    }
    // Made anew, from the seed or the run that was started from, so that it takes memory at probes
    // alone.
    let start = state.step == 0 ? nil : try resolved.initialModel()
    return try engine.probe(batch, since: start)
  }

  private mutating func endEpoch(_ step: TrainingMetrics) {
    var metrics = step
    metrics.epoch = epoch.number + 1
    metrics.crossEntropy = state.epochLossSum / Double(max(state.epochLossCount, 1))
    state.metrics.append(metrics)
    state.epochLossSum = 0
    state.epochLossCount = 0
  }

  // MARK: Watching

  /// Holds a step's loss to those before it.
  private mutating func watch(_ loss: Double, norm: Double) throws {
    let uniform = log(Double(resolved.record.configuration.model.vocabularySize))
    var monitor = state.lossMonitor ?? LossMonitor()
    defer { state.lossMonitor = monitor }
    guard let limit = monitor.observe(loss, step: state.step + 1, uniform: uniform) else { return }
    let spike = divergence(.lossSpike, loss: loss, norm: norm, limit: limit, monitor)
    guard options.onSpike == .continue else { throw spike }
    monitor.accept(loss)
    options.warn("\(spike.summary); training goes on (--on-spike continue)")
  }

  private func divergence(
    _ reason: TrainingDiverged.Reason, loss: Double, norm: Double, limit: Double? = nil,
    _ monitor: LossMonitor? = nil
  ) -> TrainingDiverged {
    let step = state.step + 1
    let since = (monitor ?? state.lossMonitor)?.suspectSince ?? step
    return TrainingDiverged(
      reason, step: step, loss: loss, gradientNorm: norm, ordinaryLimit: limit,
      advice: TrainingDiverged.advice(resolved.record.configuration),
      checkpoint: checkpoints.newest(before: since).map { checkpoints.url(of: $0).path })
  }

  // MARK: Saving

  /// Whether steps were done since the newest checkpoint.
  var hasUnsavedSteps: Bool { state.step > 0 && savedStep != state.step }

  /// Writes a checkpoint to continue from, after `log` up to it.
  mutating func saveCheckpoint(_ log: StepLog?) throws {
    try engine.collect()
    try checkpoints.save(
      state, engine.model, engine.optimizer, resolved.record.configuration, stepLog: log?.flush(),
      keeping: options.keepLast)
    savedStep = state.step
  }

  /// Keeps the weights where they are if this step's are to stay.
  func keepIfPlanned() throws {
    guard keptSteps.contains(state.step) else { return }
    try engine.collect()
    let wasEqual = try kept.save(
      engine.model,
      KeptState(
        step: state.step, epochs: Double(state.step) / Double(resolved.schedule.stepsPerEpoch),
        tokensSeen: state.tokensSeen,
        configurationHash: CanonicalJSON.hash(resolved.record.configuration).hex, weightsHash: ""))
    if !wasEqual {
      options.warn(
        "\(kept.url(of: state.step).path) held other weights of step \(state.step) and was "
          + "replaced; was it written by another version or on another kind of processor?")
    }
  }

  /// What the weights take where zeros are kept; nil otherwise.
  var storedSize: StoredSize? {
    let keepsZeros = resolved.record.configuration.training.keepsZeros
    return keepsZeros ? StoredSize(engine.model.parameters.copyOut(), engine.model.layout) : nil
  }

  /// Ends the engine and writes the final weights; returns their hash.
  func saveModel() throws -> ContentHash {
    try engine.collect()
    engine.end()
    return try ModelFiles.save(engine.model, to: folder)
  }

  /// What computed, for run.json; nil for the native engine.
  var engineRecord: EngineRecord? { engine.record }

  func removeCheckpoints() { checkpoints.removeAll() }
}
