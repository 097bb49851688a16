import Analysis
package import Compute
import Foundation
package import LabCore
import Training

/// Feature rows on a device with their labels; several heads learn from one of these.
package struct HeadExamples: Sendable {
  let standardizer: Standardizer
  /// Standardised, shape (N, width).
  let features: FloatSlice
  let labels: [Bool]
  let subjects: [Int32]
  let train: [Int]
  let validation: [Int]

  /// Standardises `features`, shape (N, width), by the training rows and copies them to the device.
  ///
  /// Throws `DetectionError.oneClassInTraining` where the training rows have one label only,
  /// `.noExamples` where a part is empty, and `LabError` when memory is short.
  package init(
    features: [Float], width: Int, labels: [Bool], subjects: [Int32], train: [Int],
    validation: [Int], on device: Device = .cpu
  ) throws {
    precondition(features.count == width * labels.count, "features are not one row a label")
    guard let first = train.first, !validation.isEmpty else { throw DetectionError.noExamples }
    guard train.contains(where: { labels[$0] != labels[first] }) else {
      throw DetectionError.oneClassInTraining(hallucinated: labels[first], count: train.count)
    }
    standardizer = Standardizer(fitting: features, width: width, rows: train)
    let buffer = try DeviceBuffer<Float>(max(features.count, 1), on: device)
    buffer.all.copyIn(standardizer.apply(features))
    self.features = buffer.all
    self.labels = labels
    self.subjects = subjects
    self.train = train
    self.validation = validation
  }
}

/// Trains read-outs: a linear one to its optimum, MLPs by AdamW on mini-batches.
///
/// Of all parameters on the way, those of least validation loss are kept.
///
/// One thread trains one head; the result is a function of the examples, the architecture, the seed
/// and the name alone.
package struct HeadTrainer {
  package let examples: HeadExamples
  package let options: HeadTrainingOptions
  package let seed: Seed

  package init(
    _ examples: HeadExamples, options: HeadTrainingOptions = HeadTrainingOptions(), seed: Seed
  ) {
    self.examples = examples
    self.options = options
    self.seed = seed
  }

  /// Parameters on the way, with their L2 penalty or decay.
  private typealias Stopping = EarlyStopping<(parameters: [Float], regularization: Double)>

  /// The trained head; `name` names its random stream.
  ///
  /// Throws `LabError` when memory is short or the loss is not a number.
  package func train(_ architecture: HeadArchitecture, name: String) throws -> TrainedHead {
    let network = try HeadNetwork(
      architecture, inputWidth: examples.standardizer.width,
      maximumRows: max(options.batchSize, 1_024),
      precision: architecture == .linear ? .fp32 : options.precision,
      on: examples.features.buffer.device)
    let isLinear = architecture == .linear
    let stopping = try isLinear ? fit(network) : descend(network, name: name)
    let best = try stopping.result(of: name)
    network.parameters.copyIn(best.kept.parameters)
    let scores = try logits(network, of: examples.validation).map {
      LogLoss.probability(Double($0))
    }.means(of: architecture.outputs)
    let scored = try ScoredExamples(
      scores: scores, labels: examples.validation.map { examples.labels[$0] },
      subjects: examples.validation.map { examples.subjects[$0] })
    return TrainedHead(
      architecture: architecture, standardizer: examples.standardizer,
      parameters: best.kept.parameters,
      report: HeadTrainingReport(
        stepCount: isLinear ? best.step : stopping.lastStep, bestStep: best.step,
        regularization: best.kept.regularization, validationLoss: best.loss,
        validationAUROC: try? scored.auroc()))
  }

  // MARK: Training

  /// A linear head at its optimum for each penalty, strongest first, each from the one before.
  private func fit(_ network: HeadNetwork) throws -> Stopping {
    let regression = try LogisticRegression(examples, network: network)
    var point = [Double](repeating: 0, count: network.parameters.count)
    var stopping = Stopping(patience: .max)
    for penalty in options.linearPenalties.sorted(by: >) {
      let minimum = regression.fit(from: point, penalty: penalty)
      point = minimum.point
      _ = stopping.stops(
        after: minimum.iterationCount, loss: try loss(network, of: examples.validation),
        keeping: (network.parameters.copyOut(), penalty))
    }
    return stopping
  }

  private func descend(_ network: HeadNetwork, name: String) throws -> Stopping {
    var stream = seed.stream("detection/head/\(name)")
    network.initialize(&stream)
    let steps = options.steps(exampleCount: examples.train.count)
    var training = TrainingConfiguration(horizon: .steps(steps), learningRate: options.learningRate)
    training.beta2 = 0.999
    training.weightDecay = options.weightDecay
    training.clipNorm = 0
    training.warmUpShare = 0
    training.finalLearningRateShare = 0
    let schedule = LearningRateSchedule(training, stepCount: steps)
    let optimizer = try Optimizer(network.stretches, training, on: network.stream.device)
    let pool = try WorkerPool(workerCount: 1)
    let batchRows = max(1, min(options.batchSize, examples.train.count))
    let batch = try HeadBatch(network, rows: batchRows)
    var stopping = Stopping(patience: options.patience)
    var order = examples.train
    var next = order.count
    for step in 1...steps {
      if next + batchRows > order.count {
        stream.shuffle(&order)
        next = 0
      }
      let rows = Array(order[next..<(next + batchRows)])
      next += batchRows
      network.stream.zero(network.gradient)
      batch.gather(rows, from: examples.features)
      network.accumulateGradient(batch.input, labels: rows.map { examples.labels[$0] })
      optimizer.step(
        network.parameters, gradient: network.gradient, norm: 0,
        learningRate: schedule.rate(at: step - 1), stepNumber: step - 1, on: pool,
        streams: [network.stream])
      guard step % options.validationInterval == 0 || step == steps else { continue }
      let isOver = stopping.stops(
        after: step, loss: try loss(network, of: examples.validation),
        keeping: (network.parameters.copyOut(), options.weightDecay))
      if isOver { break }
    }
    return stopping
  }

  private func logits(_ network: HeadNetwork, of rows: [Int]) throws -> [Float] {
    let batch = try HeadBatch(network, rows: network.maximumRows)
    var result: [Float] = []
    result.reserveCapacity(rows.count)
    for first in stride(from: 0, to: rows.count, by: network.maximumRows) {
      let part = Array(rows[first..<min(first + network.maximumRows, rows.count)])
      batch.gather(part, from: examples.features)
      result += network.forward(batch.input, rows: part.count)
    }
    return result
  }

  private func loss(_ network: HeadNetwork, of rows: [Int]) throws -> Double {
    LogLoss.mean(
      logits: try logits(network, of: rows),
      labels: rows.flatMap {
        repeatElement(examples.labels[$0], count: network.architecture.outputs)
      })
  }
}

/// Room for the rows of one batch.
private struct HeadBatch {
  let input: FloatSlice
  private let rows: IntSlice
  private let width: Int
  private let stream: KernelStream

  init(_ network: HeadNetwork, rows: Int) throws {
    let device = network.stream.device
    input = try DeviceBuffer<Float>(rows * network.inputWidth, on: device).all
    self.rows = try DeviceBuffer<Int32>(rows, on: device).all
    width = network.inputWidth
    stream = network.stream
  }

  func gather(_ indices: [Int], from features: FloatSlice) {
    rows.copyIn(indices.map(Int32.init))
    stream.gatherRows(input, input: features, rows: rows, count: indices.count, width: width)
  }
}

extension [Double] {
  /// The mean of each stretch of `count` values.
  fileprivate func means(of count: Int) -> [Double] {
    count == 1
      ? self
      : stride(from: 0, to: self.count, by: count).map { start in
        self[start..<start + count].reduce(0, +) / Double(count)
      }
  }
}
