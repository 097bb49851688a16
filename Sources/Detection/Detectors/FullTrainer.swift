import Compute
import Foundation
import LabCore
import LanguageModel
import Training

/// Fine-tunes a language model end to end to judge texts.
///
/// A step's texts are cut into a fixed number of lanes whose gradients are summed in order, so that the result does
/// not depend on the workers.
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

  /// One part of a step.
  private struct Lane {
    let gradients: Gradients
    var readOut: [Float] = []
  }

  /// Trains from `start`, whose parameters change, and keeps those of least validation loss.
  ///
  /// Throws `LabError.interrupted` when `shouldStop`, which any worker may call, says so.
  func train(
    _ start: FullNetwork, texts: [FullNetwork.Text], labels: [Bool],
    validation: (texts: [FullNetwork.Text], labels: [Bool]),
    shouldStop: @Sendable () -> Bool
  ) throws -> Result {
    let model = start.model
    var network = start
    let configuration = model.configuration
    let pool = try WorkerPool(workerCount: workers)
    let passes = try (0..<workers).map { _ in
      try ClassificationPass(
        model, maximumTokens: FullNetwork.microBatchTokens(configuration))
    }
    let streams = passes.map(\.stream)
    let lanes = try (0..<options.lanes).map { _ in
      Lane(gradients: try Gradients(model.layout, on: model.device))
    }
    var training = TrainingConfiguration(epochs: options.epochs, learningRate: learningRate)
    training.weightDecay = options.weightDecay
    training.beta2 = 0.99
    let optimizer = try Optimizer(model.layout, training, on: model.device)
    var readOutOptimizer = ReadOutOptimizer(count: network.readOut.count)
    let weights = classWeights(labels)

    let batchSize = min(options.batchSize, texts.count)
    let stepsPerEpoch = max(1, texts.count / batchSize)
    let stepCount = options.epochs * stepsPerEpoch
    let schedule = LearningRateSchedule(training, stepCount: stepCount)
    let interval = max(1, stepsPerEpoch / options.validationsPerEpoch)
    var stream = seed.stream("detection/full/\(name)")
    var order = Array(texts.indices)
    var best = (loss: Double.infinity, step: 0, values: [Float](), readOut: [Float]())
    var waited = 0
    var step = 0
    while step < stepCount {
      let place = step % stepsPerEpoch * batchSize
      if place == 0 { stream.shuffle(&order) }
      if shouldStop() { throw LabError.interrupted("stopped while \(name) was trained") }
      let chosen = Array(order[place..<(place + batchSize)])
      model.pack(on: pool, streams: streams)
      let readOutGradient = gradient(
        network, chosen, texts, labels, weights, lanes, passes, pool)
      let norm = optimizer.reduce(lanes.map(\.gradients), on: pool, streams: streams)
      guard norm.isFinite else {
        throw LabError("the detector \(name) did not train: its gradient is not a number", .failure)
      }
      let rate = schedule.rate(at: step)
      optimizer.step(
        model.parameters, gradient: lanes[0].gradients, norm: norm, learningRate: rate,
        stepNumber: step, on: pool, streams: streams)
      readOutOptimizer.step(&network.readOut, gradient: readOutGradient, learningRate: rate)
      step += 1
      guard step % interval == 0 || step == stepCount else { continue }
      model.pack(on: pool, streams: streams)
      let logits = try network.logits(
        validation.texts, passes: passes, pool: pool, shouldStop: shouldStop)
      let loss = LogLoss.mean(logits: logits, labels: validation.labels)
      if loss < best.loss {
        best = (loss, step, model.parameters.copyOut(), network.readOut)
        waited = 0
      } else {
        waited += 1
        if waited >= options.patience { break }
      }
    }
    guard best.loss < .infinity else {
      throw LabError(
        "the detector \(name) did not train: its validation loss is not a number", .failure)
    }
    model.parameters.copyIn(best.values)
    model.pack(on: pool, streams: streams)
    network.readOut = best.readOut
    return Result(
      network: network, stepCount: step, bestStep: best.step, validationLoss: best.loss)
  }

  /// Weight of a hallucination and of any other answer in the loss; their mean over the answers is 1.
  private func classWeights(_ labels: [Bool]) -> (positive: Float, negative: Float) {
    guard options.balancesClasses else { return (1, 1) }
    let positive = Float(labels.count { $0 })
    let count = Float(labels.count)
    return (count / (2 * positive), count / (2 * (count - positive)))
  }

  /// The gradient of the mean loss: of the model in the lanes, of the read-out as the result.
  private func gradient(
    _ network: FullNetwork, _ chosen: [Int], _ texts: [FullNetwork.Text], _ labels: [Bool],
    _ weights: (positive: Float, negative: Float), _ lanes: [Lane], _ passes: [ClassificationPass],
    _ pool: WorkerPool
  ) -> [Float] {
    let width = network.model.configuration.modelDimension
    let scale = 1 / Float(chosen.count)
    let parts = pool.map(pieces: lanes.count) { worker, lane in
      let pass = passes[worker]
      pass.stream.zero(lanes[lane].gradients.values)
      var own = [Float](repeating: 0, count: width + 1)
      let range =
        (chosen.count * lane / lanes.count)..<(chosen.count * (lane + 1) / lanes.count)
      var next = range.lowerBound
      let batches = FullNetwork.batches(
        range.map { texts[chosen[$0]] }[...], maximumTokens: pass.maximumTokens)
      for (batch, rows) in batches {
        let (logits, states) = pass.logits(batch, rows: rows, readOut: network.readOut)
        let gradient = logits.map { logit -> Float in
          let label = labels[chosen[next]]
          next += 1
          let error = Float(LogLoss.probability(Double(logit))) - (label ? 1 : 0)
          return scale * error * (label ? weights.positive : weights.negative)
        }
        pass.backward(
          batch, rows: rows, readOut: network.readOut, logitGradient: gradient,
          into: lanes[lane].gradients)
        for (row, value) in gradient.enumerated() {
          for column in 0..<width { own[column] += value * states[row * width + column] }
          own[width] += value
        }
      }
      return own
    }
    return parts.dropFirst().reduce(parts[0]) {
      zip($0, $1).map { $0 + $1 }
    }
  }
}

/// Adam on the few values of a read-out.
private struct ReadOutOptimizer {
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
