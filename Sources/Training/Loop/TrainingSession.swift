import Compute
import Corpus
import Foundation
import LabCore
import LanguageModel

/// A training under way: data, model, optimiser, and where they stand.
struct TrainingSession {
  var state: TrainingState
  /// What the last step measured; nil before the first.
  private(set) var lastStep: StepMetrics?
  let stepCount: Int
  private let resolved: ResolvedTraining
  private let folder: URL
  private let model: LanguageModel
  private let optimizer: Optimizer
  private let lanes: Lanes
  private let pool: WorkerPool
  private let schedule: LearningRateSchedule
  private let checkpoints: CheckpointStore
  private var epoch: Epoch

  /// A new training, or the continuation of the newest checkpoint in `folder`.
  init(_ resolved: ResolvedTraining, folder: URL, workers: Int) throws {
    let configuration = resolved.record.configuration
    let training = configuration.training
    self.resolved = resolved
    self.folder = folder
    model = try LanguageModel(
      configuration.model, seed: configuration.initialSeed,
      scaling: training.scaling(width: configuration.model.modelDimension),
      precision: training.precision, on: .cpu)
    optimizer = try Optimizer(model.layout, training, on: .cpu)
    pool = try WorkerPool(workerCount: workers)
    lanes = try Lanes(
      model, count: training.lanes, longestSequence: resolved.corpus.longestSequence,
      workers: workers)
    stepCount = resolved.record.stepCount
    schedule = LearningRateSchedule(training, stepCount: stepCount)
    checkpoints = CheckpointStore(runFolder: folder)
    state = try checkpoints.restoreNewest(model, optimizer, configuration) ?? TrainingState()
    epoch = resolved.schedule.epoch(state.step / resolved.schedule.stepsPerEpoch)
  }

  /// Mean loss in nats of the epoch so far, or of the last one at its end.
  var runningCrossEntropy: Double {
    state.epochLossCount > 0
      ? state.epochLossSum / Double(state.epochLossCount) : state.metrics.last?.crossEntropy ?? .nan
  }

  /// One step of training: a batch, its gradient, the update.
  mutating func advance() throws {
    let training = resolved.record.configuration.training
    let stepsPerEpoch = resolved.schedule.stepsPerEpoch
    if state.step / stepsPerEpoch != epoch.number {
      epoch = resolved.schedule.epoch(state.step / stepsPerEpoch)
    }
    let batch = epoch.batch(state.step % stepsPerEpoch)
    let loss = lanes.run(batch, zLoss: training.zLoss, on: pool)
    let norm = optimizer.reduce(lanes.gradients, on: pool, streams: lanes.streams)
    guard loss.isFinite, norm.isFinite else {
      throw TrainingDivergence(
        step: state.step, reason: "summed loss \(loss), gradient norm \(norm)",
        advice: "try a lower --learning-rate (now \(training.learningRate)) or a longer warm-up; "
          + "checkpoints before this step are kept in \(folder.path)/checkpoints")
    }
    if state.step == 0 {
      state.initialCrossEntropy = loss / Double(max(batch.lossCount, 1))
    }
    let learningRate = schedule.rate(at: state.step)
    optimizer.step(
      model.parameters, gradient: lanes.gradients[0], norm: norm, learningRate: learningRate,
      stepNumber: state.step, on: pool, streams: lanes.streams)
    state.step += 1
    state.tokensSeen += batch.tokens.count
    state.epochLossSum += loss
    state.epochLossCount += batch.lossCount
    lastStep = StepMetrics(
      step: state.step, tokensSeen: state.tokensSeen,
      crossEntropy: loss / Double(max(batch.lossCount, 1)), gradientNorm: norm,
      learningRate: learningRate)
    if state.step % stepsPerEpoch == 0 || state.step == stepCount {
      endEpoch(norm: norm, learningRate: learningRate)
    }
  }

  private mutating func endEpoch(norm: Double, learningRate: Double) {
    state.metrics.append(
      EpochMetrics(
        epoch: epoch.number + 1, step: state.step, tokensSeen: state.tokensSeen,
        crossEntropy: state.epochLossSum / Double(max(state.epochLossCount, 1)),
        gradientNorm: norm, learningRate: learningRate))
    state.epochLossSum = 0
    state.epochLossCount = 0
  }

  func saveCheckpoint() throws {
    try checkpoints.save(state, model, optimizer, resolved.record.configuration)
  }

  func saveModel() throws { try ModelFiles.save(model, to: folder) }

  func removeCheckpoints() { checkpoints.removeAll() }
}
