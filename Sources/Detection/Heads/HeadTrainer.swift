import Analysis
package import Compute
import Foundation
package import LabCore

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
  /// Throws `DetectionError.oneClassInTraining` where the training rows have one label only, `.noExamples` where a
  /// part is empty, and `LabError` when memory is short.
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
/// One thread trains one head; the result is a function of the examples, the architecture, the seed and the
/// name alone.
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

  /// The parameters kept so far.
  private struct Best {
    var parameters: [Float] = []
    var loss = Double.infinity
    var step = 0
    var stepCount = 0
    var regularization = 0.0
  }

  /// The trained head; `name` names its random stream.
  ///
  /// Throws `LabError` when memory is short or the loss is not a number.
  package func train(_ architecture: HeadArchitecture, name: String) throws -> TrainedHead {
    let network = try HeadNetwork(
      architecture, inputWidth: examples.standardizer.width,
      maximumRows: max(options.batchSize, 1_024),
      precision: architecture == .linear ? .fp32 : options.precision,
      on: examples.features.buffer.device)
    let best =
      architecture == .linear ? try fit(network) : try descend(network, name: name)
    guard best.loss < .infinity else {
      throw LabError(
        "the detector \(name) did not train: its validation loss is not a number", .failure)
    }
    network.parameters.copyIn(best.parameters)
    let scores = try logits(network, of: examples.validation).map {
      LogLoss.probability(Double($0))
    }
    let scored = try ScoredExamples(
      scores: scores, labels: examples.validation.map { examples.labels[$0] },
      subjects: examples.validation.map { examples.subjects[$0] })
    return TrainedHead(
      architecture: architecture, standardizer: examples.standardizer, parameters: best.parameters,
      report: HeadTrainingReport(
        stepCount: best.stepCount, bestStep: best.step, regularization: best.regularization,
        validationLoss: best.loss, validationAUROC: try? scored.auroc()))
  }

  // MARK: Training

  /// A linear head at its optimum for each penalty, strongest first, each from the one before.
  private func fit(_ network: HeadNetwork) throws -> Best {
    let regression = try LogisticRegression(examples, network: network)
    var point = [Double](repeating: 0, count: network.parameters.count)
    var best = Best()
    for penalty in options.linearPenalties.sorted(by: >) {
      let minimum = regression.fit(from: point, penalty: penalty)
      point = minimum.point
      let loss = try loss(network, of: examples.validation)
      guard loss < best.loss else { continue }
      best = Best(
        parameters: network.parameters.copyOut(), loss: loss, step: minimum.iterationCount,
        stepCount: minimum.iterationCount, regularization: penalty)
    }
    return best
  }

  private func descend(_ network: HeadNetwork, name: String) throws -> Best {
    var stream = seed.stream("detection/head/\(name)")
    network.initialize(&stream)
    let optimizer = try HeadOptimizer(network)
    let batchRows = max(1, min(options.batchSize, examples.train.count))
    let batch = try HeadBatch(network, rows: batchRows)
    let steps = options.steps(exampleCount: examples.train.count)
    var best = Best(regularization: options.weightDecay)
    var order = examples.train
    var next = order.count
    var waited = 0
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
      let progress = Double(step - 1) / Double(steps)
      optimizer.step(
        learningRate: options.learningRate * 0.5 * (1 + cos(.pi * progress)),
        weightDecay: options.weightDecay)
      guard step % options.validationInterval == 0 || step == steps else { continue }
      best.stepCount = step
      let loss = try loss(network, of: examples.validation)
      if loss < best.loss {
        best.loss = loss
        best.step = step
        best.parameters = network.parameters.copyOut()
        waited = 0
      } else {
        waited += 1
        if waited >= options.patience { break }
      }
    }
    return best
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
    LogLoss.mean(logits: try logits(network, of: rows), labels: rows.map { examples.labels[$0] })
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
