import Compute
import LabCore
import LanguageModel
import Training

/// A model in training on random tokens, to be timed.
final class TrainingWorkload {
  let model: LanguageModel
  let tokensPerStep: Int
  /// Mean loss of the newest step in nats.
  private(set) var crossEntropy = Double.nan
  private let training: TrainingConfiguration
  private let sequences: Int
  private let objective: NextTokenLoss
  private let trainingStep: TrainingStep
  private var stream: RandomStream
  private var stepNumber = 0

  /// Steps of `sequences` windows of the model's context length.
  ///
  /// Throws `LabError` when memory is short.
  init(
    _ configuration: ModelConfiguration, sequences: Int, precision: Precision, workers: Int
  ) throws {
    var training = TrainingConfiguration(epochs: 1, learningRate: 3e-4)
    training.precision = precision
    self.training = training
    self.sequences = sequences
    tokensPerStep = sequences * configuration.contextLength
    model = try LanguageModel(
      configuration, seed: Seed(0), precision: precision, on: .cpu)
    objective = try NextTokenLoss(
      model, zLoss: 0, longestSequence: configuration.contextLength, workers: workers)
    trainingStep = try TrainingStep(
      model, training, on: WorkerPool(workerCount: workers), streams: objective.streams)
    stream = Seed(0).stream("benchmark")
  }

  /// One step on new random tokens; returns the seconds it took, without the drawing of the tokens.
  func step() -> Double {
    let configuration = model.configuration
    let batch = TokenBatch.random(
      sequences: sequences, length: configuration.contextLength,
      vocabularySize: configuration.vocabularySize, from: &stream)
    return Timing.seconds {
      let (loss, norm) = objective.gradient(of: batch, in: trainingStep)
      crossEntropy = loss / Double(batch.lossCount)
      trainingStep.update(norm: norm, learningRate: training.learningRate, number: stepNumber)
      stepNumber += 1
    }
  }
}
