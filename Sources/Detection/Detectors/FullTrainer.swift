import Compute
import Foundation
import LabCore
import LanguageModel
import Training

/// Fine-tunes a language model end to end to judge texts.
///
/// A step's texts are cut into a fixed number of lanes whose gradients are summed in order, so that
/// the result does not depend on the workers. Where the log-probability is read, the read-out
/// begins with the line on it that judges best, and what is kept is never worse on the validation
/// part than that.
struct FullTrainer {
  let options: FullTrainingOptions
  /// Peak of the cosine schedule.
  let learningRate: Double
  let seed: Seed
  let name: String
  let workers: Int

  /// What training left, and how it went.
  struct Result {
    let network: FullNetwork
    let stepCount: Int
    let bestStep: Int
    let validationLoss: Double
  }

  /// Trains from `start`, whose parameters change, and keeps those of least validation loss.
  ///
  /// `texts` are those of the epoch with a number from 0, as many as there are labels.
  /// Throws `LabError.interrupted` when `shouldStop`, which any worker may call, says so.
  func train(
    _ start: FullNetwork, texts textsOfEpoch: (Int) -> [FullNetwork.Text], labels: [Bool],
    validation: (texts: [FullNetwork.Text], labels: [Bool]),
    shouldStop: @Sendable () -> Bool
  ) throws -> Result {
    let model = start.model
    var network = start
    let pool = try WorkerPool(workerCount: workers)
    let passes = try (0..<workers).map { _ in try TrainingPass(model) }
    var training = TrainingConfiguration(epochs: options.epochs, learningRate: learningRate)
    training.weightDecay = options.weightDecay
    training.beta2 = 0.99
    training.lanes = options.lanes
    let step = try TrainingStep(model, training, on: pool, streams: passes.map(\.stream))
    var readOutOptimizer = ReadOutOptimizer(count: network.readOut.count)
    let weights = options.classWeights(labels)

    var texts = textsOfEpoch(0)
    let batchSize = min(options.batchSize, texts.count)
    let stepsPerEpoch = max(1, texts.count / batchSize)
    let stepCount = options.epochs * stepsPerEpoch
    let schedule = LearningRateSchedule(training, stepCount: stepCount)
    let interval = max(1, stepsPerEpoch / options.validationsPerEpoch)
    var stream = seed.stream("detection/full/\(name)")
    var order = Array(texts.indices)
    var stopping = EarlyStopping<(values: [Float], readOut: [Float])>(patience: options.patience)
    if options.readsLogProbability {
      step.packModel()
      network.readOut = try startingReadOut(
        of: network, texts, labels, weights, passes: passes, pool: pool, shouldStop: shouldStop)
      let logits = try network.logits(
        validation.texts, passes: passes, pool: pool, shouldStop: shouldStop)
      _ = stopping.stops(
        after: 0, loss: LogLoss.mean(logits: logits, labels: validation.labels),
        keeping: (model.parameters.copyOut(), network.readOut))
    }
    for number in 0..<stepCount {
      let place = number % stepsPerEpoch * batchSize
      if place == 0 {
        stream.shuffle(&order)
        if number > 0 { texts = textsOfEpoch(number / stepsPerEpoch) }
      }
      if shouldStop() { throw LabError.interrupted("stopped while \(name) was trained") }
      let chosen = Array(order[place..<(place + batchSize)])
      let (parts, norm) = step.gradient { worker, lane, gradients in
        let range =
          (chosen.count * lane / options.lanes)..<(chosen.count * (lane + 1) / options.lanes)
        return gradient(
          network, range.map { (texts[chosen[$0]], labels[chosen[$0]]) },
          scale: 1 / Float(chosen.count), weights, passes[worker], into: gradients)
      }
      guard norm.isFinite else {
        throw LabError("the detector \(name) did not train: its gradient is not a number", .failure)
      }
      let rate = schedule.rate(at: number)
      step.update(norm: norm, learningRate: rate, number: number)
      let readOutGradient = parts.dropFirst().reduce(parts[0]) { zip($0, $1).map { $0 + $1 } }
      readOutOptimizer.step(&network.readOut, gradient: readOutGradient, learningRate: rate)
      guard (number + 1) % interval == 0 || number + 1 == stepCount else { continue }
      step.packModel()
      let logits = try network.logits(
        validation.texts, passes: passes, pool: pool, shouldStop: shouldStop)
      let isOver = stopping.stops(
        after: number + 1, loss: LogLoss.mean(logits: logits, labels: validation.labels),
        keeping: (model.parameters.copyOut(), network.readOut))
      if isOver { break }
    }
    let best = try stopping.result(of: name)
    model.parameters.copyIn(best.kept.values)
    step.packModel()
    network.readOut = best.kept.readOut
    return Result(
      network: network, stepCount: stopping.lastStep, bestStep: best.step,
      validationLoss: best.loss)
  }

  /// Of the log-probability alone, as logistic regression on the training part weighs it; other
  /// weights of the classes move the odds.
  private func startingReadOut(
    of network: FullNetwork, _ texts: [FullNetwork.Text], _ labels: [Bool],
    _ weights: (positive: Float, negative: Float), passes: [TrainingPass], pool: WorkerPool,
    shouldStop: @Sendable () -> Bool
  ) throws -> [Float] {
    var readOut = [Float](repeating: 0, count: network.readOut.count)
    readOut[readOut.count - 2] = 1
    let read = try FullNetwork(model: network.model, readOut: readOut).logits(
      texts, passes: passes, pool: pool, shouldStop: shouldStop)
    let examples = try ScoredExamples(
      scores: read.map(Double.init), labels: labels, subjects: labels.map { _ in 0 })
    guard case .platt(let slope, let intercept) = try ScoreCalibration(.platt, fitting: examples)
    else { return readOut }
    readOut[readOut.count - 2] = Float(slope)
    readOut[readOut.count - 1] = Float(intercept) + log(weights.positive / weights.negative)
    return readOut
  }

  /// Adds the gradient of `scale` times the loss of some texts to the model's; returns that of the
  /// read-out.
  func gradient(
    _ network: FullNetwork, _ examples: [(text: FullNetwork.Text, label: Bool)], scale: Float,
    _ weights: (positive: Float, negative: Float), _ pass: TrainingPass, into gradients: Gradients
  ) -> [Float] {
    let width = network.readOut.count - 1
    var own = [Float](repeating: 0, count: width + 1)
    var labels = examples.map(\.label)[...]
    let batches = FullNetwork.batches(
      examples.map(\.text)[...], maximumTokens: pass.maximumTokens)
    for (batch, rows) in batches {
      let (logits, inputs) = pass.logits(batch, rows: rows, readOut: network.readOut)
      let gradient = zip(logits, labels).map { logit, label -> Float in
        let error = Float(LogLoss.probability(Double(logit))) - (label ? 1 : 0)
        return scale * error * (label ? weights.positive : weights.negative)
      }
      labels = labels.dropFirst(logits.count)
      pass.backward(
        batch, rows: rows, readOut: network.readOut, logitGradient: gradient, into: gradients)
      for (row, value) in gradient.enumerated() {
        for column in 0..<width { own[column] += value * inputs[row * width + column] }
        own[width] += value
      }
    }
    return own
  }
}

/// Adam on the few values of a read-out, beside the model's in the same step.
///
/// Its epsilon is added to the root before correction, unlike that of `Optimizer`.
struct ReadOutOptimizer: Codable {
  private var first: [Float]
  private var second: [Float]
  private var stepsTaken = 0

  init(count: Int) {
    first = Array(repeating: 0, count: count)
    second = first
  }

  mutating func step(_ values: inout [Float], gradient: [Float], learningRate: Double) {
    stepsTaken += 1
    let (beta1, beta2) = (0.9, 0.99)
    let rate = Float(
      learningRate * (1 - pow(beta2, Double(stepsTaken))).squareRoot()
        / (1 - pow(beta1, Double(stepsTaken))))
    for index in values.indices {
      first[index] += Float(1 - beta1) * (gradient[index] - first[index])
      second[index] += Float(1 - beta2) * (gradient[index] * gradient[index] - second[index])
      values[index] -= rate * first[index] / (second[index].squareRoot() + 1e-8)
    }
  }
}

extension FullTrainingOptions {
  /// Weight of a hallucination and of any other answer in the loss; their mean over the answers is
  /// 1.
  func classWeights(_ labels: [Bool]) -> (positive: Float, negative: Float) {
    guard balancesClasses else { return (1, 1) }
    let positive = Float(labels.count { $0 })
    let count = Float(labels.count)
    return (count / (2 * positive), count / (2 * (count - positive)))
  }
}
