import Compute
import Corpus
import Engine
import LabCore
import LanguageModel

/// Which program computes the steps of a training.
package enum EngineKind: String, CaseIterable, Sendable {
  /// The kernels here.
  case native
  /// A PyTorch process beside this one.
  case torch
}

/// What computes the steps of a training: of a batch the gradient, which is looked at before it is
/// used, then the update.
///
/// The model and the optimiser's moments are those that checkpoints are made of. An engine that has
/// copies of its own brings them up to date when it is asked to `collect`, and takes them over when
/// it is told to `load`.
protocol TrainingEngine {
  var model: LanguageModel { get }
  var optimizer: Optimizer { get }
  /// What computes, for run.json; nil for the native engine.
  var record: EngineRecord? { get }
  /// The gradient of a batch, kept for `update`; returns the summed loss in nats and the gradient's
  /// norm before clipping.
  func gradient(of batch: TokenBatch) throws -> (loss: Double, norm: Double)
  /// What the gradient that was computed last, of this batch, says of stability, and where weights
  /// have moved since `start`.
  func probe(_ batch: TokenBatch, since start: LanguageModel?) throws -> StepProbe?
  /// Updates the model along the gradient that was computed last, as the step with this number,
  /// counted from 0.
  func update(norm: Double, learningRate: Double, number: Int) throws
  /// Model and moments are to hold what was computed.
  func collect() throws
  /// What model and moments hold is to be gone on from.
  func load() throws
  /// There are no more steps.
  func end()
}

/// Steps by the kernels here.
struct NativeEngine: TrainingEngine {
  let model: LanguageModel
  private let objective: NextTokenLoss
  private let step: TrainingStep
  private let training: TrainingConfiguration
  /// Places of the parameters that stay 0.
  private let zeros: [Int]

  /// Begins from a model; throws `LabError` when memory is short.
  init(
    _ model: LanguageModel, _ training: TrainingConfiguration, longestSequence: Int, workers: Int
  ) throws {
    self.model = model
    self.training = training
    let initial = training.keepsZeros ? model.parameters.copyOut() : []
    zeros = initial.indices.filter { initial[$0] == 0 }
    objective = try NextTokenLoss(
      model, zLoss: training.zLoss, longestSequence: longestSequence, workers: workers)
    step = try TrainingStep(
      model, training, on: WorkerPool(workerCount: workers), streams: objective.streams)
  }

  var optimizer: Optimizer { step.optimizer }
  var record: EngineRecord? { nil }

  func gradient(of batch: TokenBatch) -> (loss: Double, norm: Double) {
    objective.gradient(of: batch, in: step)
  }

  func probe(_ batch: TokenBatch, since start: LanguageModel?) throws -> StepProbe? {
    try objective.probe(batch, since: start).map { StepProbe($0, step, training) }
  }

  func update(norm: Double, learningRate: Double, number: Int) {
    step.update(norm: norm, learningRate: learningRate, number: number)
    guard !zeros.isEmpty else { return }
    var values = model.parameters.copyOut()
    for place in zeros { values[place] = 0 }
    model.parameters.copyIn(values)
  }

  func collect() {}
  func load() {}
  func end() {}
}

extension ResolvedTraining {
  /// The engine that the configuration names, with the model before the first step.
  func engine(_ options: RuntimeOptions) throws -> any TrainingEngine {
    let training = record.configuration.training
    let model = try initialModel()
    switch training.engine {
    case .native:
      return try NativeEngine(
        model, training, longestSequence: corpus.longestSequence, workers: options.workers)
    case .torch:
      return try TorchEngine(model, training, options.torch, shouldStop: options.shouldStop)
    }
  }
}
