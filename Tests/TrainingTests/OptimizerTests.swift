import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// The whole optimiser on a small model, against formulas in double precision.
@Suite struct OptimizerTests {
  private static let shape = ModelConfiguration(
    layerCount: 1, modelDimension: 16, headCount: 1, feedForwardDimension: 24, vocabularySize: 12,
    contextLength: 8)

  /// A tensor's value before and after some steps, of the first element of its kind.
  private struct Trace {
    var role: ParameterTensor.Role
    var start: Double
    var end: Double
  }

  /// Steps with the same gradient everywhere; rates[t] is the schedule's at step t.
  private func train(
    _ training: TrainingConfiguration, gradient: Float, rates: [Double]
  ) throws -> [Trace] {
    let layout = ParameterLayout(Self.shape)
    let optimizer = try Optimizer(layout, training, on: .cpu)
    let pool = try WorkerPool(workerCount: 1)
    let stream = try KernelStream(
      on: .cpu, precision: .fp32,
      limits: StreamLimits(maximumTokens: 16, maximumSequenceLength: 16, maximumWidth: 64))
    let start = layout.initialValues(seed: Seed(1))
    let parameters = try DeviceBuffer<Float>(layout.count, on: .cpu).all
    parameters.copyIn(start)
    let gradients = try Gradients(layout, on: .cpu)
    for (step, rate) in rates.enumerated() {
      gradients.values.copyIn([Float](repeating: gradient, count: layout.count))
      let norm = optimizer.reduce([gradients], on: pool, streams: [stream])
      #expect(abs(norm - Double(abs(gradient)) * Double(layout.count).squareRoot()) < 1e-3)
      optimizer.step(
        parameters, gradient: gradients.values, norm: norm, learningRate: rate, stepNumber: step,
        on: pool,
        streams: [stream])
    }
    let end = parameters.copyOut()
    return layout.tensors.map { tensor in
      let index = tensor.offset + tensor.count / 2
      return Trace(role: tensor.role, start: Double(start[index]), end: Double(end[index]))
    }
  }

  private func configuration(
    _ change: (inout TrainingConfiguration) throws -> Void = { _ in }
  ) rethrows -> TrainingConfiguration {
    var training = TrainingConfiguration(epochs: 1, learningRate: 0.1)
    training.clipNorm = 0
    training.weightDecay = 0
    try change(&training)
    return training
  }

  /// A constant gradient has m = g and sqrt(v) = |g| after correction: AdamW steps by the rate,
  /// against its sign.
  @Test(arguments: [Float(0.25), -3])
  func constantGradientsStepByTheRate(gradient: Float) throws {
    let sign = gradient > 0 ? 1.0 : -1
    for trace in try train(configuration(), gradient: gradient, rates: [0.1, 0.05, 0.02]) {
      #expect(abs(trace.end - (trace.start - sign * 0.17)) < 2e-6)
    }
    // And Adam-atan2 by 1.27 pi / 4 of it.
    let atan2 = configuration { $0.optimizer = .adamAtan2 }
    for trace in try train(atan2, gradient: gradient, rates: [0.1, 0.05, 0.02]) {
      #expect(abs(trace.end - (trace.start - sign * 0.17 * 1.27 * Double.pi / 4)) < 2e-6)
    }
  }

  /// theta <- theta - s eta lambda theta at each step, on matrices alone.
  @Test func coupledDecayIsMultipliedByTheRate() throws {
    let training = configuration { $0.weightDecay = 0.3 }
    for trace in try train(training, gradient: 0, rates: [0.1, 0.05]) {
      let factor = trace.role == .norm ? 1 : (1 - 0.1 * 0.3) * (1 - 0.05 * 0.3)
      #expect(abs(trace.end - trace.start * factor) < 1e-6)
    }
  }

  /// theta <- theta - s lambda theta: shares of the peak 0.1, whatever the peak is.
  @Test func independentDecayIsMultipliedByTheScheduleAlone() throws {
    for peak in [0.1, 0.001] {
      let training = configuration {
        $0.learningRate = peak
        $0.weightDecay = 0.03
        $0.weightDecayMode = .independent
      }
      for trace in try train(training, gradient: 0, rates: [peak, 0.5 * peak, 0.25 * peak]) {
        let factor =
          trace.role == .norm ? 1 : (1 - 0.03) * (1 - 0.5 * 0.03) * (1 - 0.25 * 0.03)
        #expect(abs(trace.end - trace.start * factor) < 1e-6)
      }
    }
  }

  /// Decay acts beside the step and is no part of the moments: with both, one step is their sum.
  @Test(arguments: [OptimizerKind.adamW, .adamAtan2, .sgd])
  func decayIsDecoupledFromTheStep(optimizer: OptimizerKind) throws {
    let training = configuration {
      $0.optimizer = optimizer
      $0.weightDecay = 0.3
    }
    let step = optimizer == .sgd ? 2 : optimizer == .adamW ? 1 : 1.27 * Double.pi / 4
    for trace in try train(training, gradient: 2, rates: [0.1]) {
      let decay = trace.role == .norm ? 0 : 0.3
      #expect(abs(trace.end - (trace.start - 0.1 * (step + decay * trace.start))) < 1e-6)
    }
  }

  /// Where the gradient's norm is above the limit, all steps see it scaled down to the limit.
  @Test func clippingScalesTheGradient() throws {
    // With an epsilon of 1 the step shows the gradient's size: g / (g + 1).
    let limit = 2.0
    let training = configuration {
      $0.clipNorm = limit
      $0.epsilon = 1
    }
    let count = Double(ParameterLayout(Self.shape).count)
    for gradient in [Float(0.5), 1e-3] {
      let norm = Double(gradient) * count.squareRoot()
      let seen = norm > limit ? Double(gradient) * limit / norm : Double(gradient)
      for trace in try train(training, gradient: gradient, rates: [0.1]) {
        #expect(abs(trace.end - (trace.start - 0.1 * seen / (seen + 1))) < 1e-6)
      }
    }
  }

  /// A weight is m theta: its gradient is seen m times as large, and what moves theta moves it by m
  /// times as much.
  @Test func multipliersAreThoseOfTheParameters() throws {
    let training = configuration {
      $0.parameterization = .meanField
      $0.multipliers = .applied
      $0.baseWidth = 4
      $0.epsilon = 1
      $0.weightDecay = 0.3
    }
    let optimizer = try Optimizer(ParameterLayout(Self.shape), training, on: .cpu)
    let layout = ParameterLayout(Self.shape)
    let gradients = try Gradients(layout, on: .cpu)
    gradients.values.copyIn([Float](repeating: 1, count: layout.count))
    let stream = try KernelStream(
      on: .cpu, precision: .fp32,
      limits: StreamLimits(maximumTokens: 16, maximumSequenceLength: 16, maximumWidth: 64))
    var squares = 0.0
    for tensor in layout.tensors {
      squares += Double(tensor.count) * pow(multiplier(tensor.role), 2)
    }
    let norm = optimizer.reduce(
      [gradients], on: try WorkerPool(workerCount: 1), streams: [stream])
    #expect(abs(norm - squares.squareRoot()) < 1e-3)
    let layer = LayerRates(embedding: 2, hidden: 0.5, readOut: 3)
    let tuned = configuration {
      $0 = training
      $0.layerRates = layer
    }
    for (training, rates) in [(training, LayerRates()), (tuned, layer)] {
      for trace in try trainScaled(training) {
        let m = multiplier(trace.role)
        let rate =
          switch trace.role {
          case .norm: 0.1
          case .embedding: 0.1 * rates.embedding
          case .input, .output: 0.05 * rates.hidden
          case .readOut: 0.1 * rates.readOut
          }
        let decay = trace.role == .norm ? 0 : rate * 0.3 * trace.start
        #expect(abs(trace.end - (trace.start - m * rate * m / (m + 1) - decay)) < 1e-6)
      }
    }
  }

  /// Those of mean-field at four times the base width.
  private func multiplier(_ role: ParameterTensor.Role) -> Double {
    switch role {
    case .norm, .embedding: 1
    case .input, .output: 0.5
    case .readOut: 0.25
    }
  }

  /// One step of a gradient of 1, whose norm is not that of the parameters.
  private func trainScaled(_ training: TrainingConfiguration) throws -> [Trace] {
    let layout = ParameterLayout(Self.shape)
    let optimizer = try Optimizer(layout, training, on: .cpu)
    let stream = try KernelStream(
      on: .cpu, precision: .fp32,
      limits: StreamLimits(maximumTokens: 16, maximumSequenceLength: 16, maximumWidth: 64))
    let start = layout.initialValues(seed: Seed(1))
    let parameters = try DeviceBuffer<Float>(layout.count, on: .cpu).all
    parameters.copyIn(start)
    let gradient = try DeviceBuffer<Float>(layout.count, on: .cpu).all
    gradient.copyIn([Float](repeating: 1, count: layout.count))
    optimizer.step(
      parameters, gradient: gradient, norm: 1, learningRate: 0.1, stepNumber: 0,
      on: try WorkerPool(workerCount: 1), streams: [stream])
    let end = parameters.copyOut()
    return layout.tensors.map { tensor in
      let index = tensor.offset + tensor.count / 2
      return Trace(role: tensor.role, start: Double(start[index]), end: Double(end[index]))
    }
  }

  /// Epsilon by layer falls as the gradient: with muP as 1 / n, and not in the read-out.
  @Test func epsilonFollowsTheGradientByLayer() throws {
    let training = configuration {
      $0.parameterization = .mup
      $0.baseWidth = 4
      $0.epsilon = 1
      $0.epsilonMode = .perLayer
    }
    for trace in try train(training, gradient: 0.5, rates: [0.1]) {
      let (rate, epsilon) =
        switch trace.role {
        case .norm, .embedding: (0.1, 0.25)
        case .input, .output: (0.025, 0.25)
        case .readOut: (0.025, 1.0)
        }
      #expect(abs(trace.end - (trace.start - rate * 0.5 / (0.5 + epsilon))) < 1e-6)
    }
  }

  /// What torch's SGD and transformers' Adafactor make of the same gradients:
  /// Fixtures/make_optimizer_steps.py.
  @Test func stepsAreThoseOfOtherImplementations() throws {
    struct Case: Decodable {
      var optimizer: String
      var shape: [Int]
      var rate: Double
      var values: [Double]
    }
    let cases = try Repository.fixture("optimizer_steps.json", as: [Case].self)
    #expect(cases.count == 4)
    for case_ in cases {
      let count = case_.values.count
      var stretch = Optimizer.Stretch(0..<count, isDecayed: false)
      stretch.shape = case_.shape
      let training = try configuration {
        $0.optimizer = try #require(OptimizerKind(rawValue: case_.optimizer))
      }
      let optimizer = try Optimizer([stretch], training, on: .cpu)
      let parameters = try DeviceBuffer<Float>(count, on: .cpu).all
      parameters.copyIn((0..<count).map { Float(sin(1.7 * Double($0) + 0.3) * 0.2) })
      let gradient = try DeviceBuffer<Float>(count, on: .cpu).all
      for step in 0..<4 {
        gradient.copyIn(
          (0..<count).map {
            let size = (0.5 + 0.1 * Double(step)) * Double(1 + $0 % 5)
            return Float(cos(2.3 * Double($0) + 0.9 * Double(step)) * size)
          })
        optimizer.step(
          parameters, gradient: gradient, norm: 1, learningRate: case_.rate, stepNumber: step,
          on: try WorkerPool(workerCount: 1), streams: [])
      }
      for (value, expected) in zip(parameters.copyOut(), case_.values) {
        #expect(abs(Double(value) - expected) < 2e-6, "\(case_.optimizer) \(case_.shape)")
      }
    }
  }

  /// Gradients of 0, tiny ones and huge ones, after each other: Adam-atan2 takes a finite step of
  /// at most 1.27 pi / 2 of the rate.
  @Test func atan2IsAlwaysANumber() throws {
    let gradients: [Float] = [
      0, .leastNonzeroMagnitude, -1e-30, 1e-17, 0, 1e18, -1e18, 0, 1, -1e-12, 0,
    ]
    let training = configuration { $0.optimizer = .adamAtan2 }
    let optimizer = try Optimizer(
      [Optimizer.Stretch(0..<gradients.count, isDecayed: false)], training, on: .cpu)
    let stream = try KernelStream(
      on: .cpu, precision: .fp32,
      limits: StreamLimits(maximumTokens: 16, maximumSequenceLength: 16, maximumWidth: 64))
    let parameters = try DeviceBuffer<Float>(gradients.count, on: .cpu).all
    parameters.copyIn([Float](repeating: 0, count: gradients.count))
    let gradient = try DeviceBuffer<Float>(gradients.count, on: .cpu).all
    for step in gradients.indices {
      let before = parameters.copyOut()
      // Each parameter begins elsewhere in the list, so that each value is the first of one.
      gradient.copyIn(gradients.indices.map { gradients[($0 + step) % gradients.count] })
      optimizer.step(
        parameters, gradient: gradient, norm: 1, learningRate: 0.1, stepNumber: step,
        on: try WorkerPool(workerCount: 1), streams: [stream])
      for (old, new) in zip(before, parameters.copyOut()) {
        #expect(new.isFinite && abs(new - old) <= 0.1 * 1.27 * Float.pi / 2 + 1e-6)
      }
    }
    #expect(parameters.copyOut().contains { $0 != 0 })
    // A gradient that is always 0 moves nothing.
    for trace in try train(training, gradient: 0, rates: [0.1, 0.1]) {
      #expect(trace.end == trace.start)
    }
  }

  /// At four times the base width matrices step by a quarter, and independent decay stays what it
  /// is.
  @Test func everyKindOfLayerHasItsRate() throws {
    let training = configuration {
      $0.parameterization = .mup
      $0.baseWidth = 4
      $0.weightDecay = 0.03
      $0.weightDecayMode = .independent
    }
    for trace in try train(training, gradient: 1, rates: [0.1]) {
      let (rate, decay) =
        switch trace.role {
        case .norm: (0.1, 0.0)
        case .embedding: (0.1, 0.03)
        case .input, .output, .readOut: (0.025, 0.03)
        }
      #expect(abs(trace.end - (trace.start - rate - decay * trace.start)) < 1e-6)
    }
  }
}
