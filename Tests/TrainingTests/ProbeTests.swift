import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

@Suite struct ProbeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func product(_ weights: [Float], _ input: [Float], inputs: Int) -> [Float] {
    (0..<(input.count / inputs)).flatMap { row in
      (0..<(weights.count / inputs)).map { output in
        (0..<inputs).reduce(Float(0)) {
          $0 + weights[output * inputs + $1] * input[row * inputs + $1]
        }
      }
    }
  }

  /// W = u v^T and z = v line up wholly, random numbers not at all.
  @Test func alignmentOfRankOneAndOfRandomMatrices() throws {
    var stream = Seed(5).stream("test")
    let (n, outputs) = (256, 64)
    let v = (0..<n).map { _ in Float(stream.normal()) }
    let u = (0..<outputs).map { _ in Float(stream.normal()) }
    let rankOne = u.flatMap { value in v.map { value * $0 } }
    let full = AlignmentRatio.of(
      product: product(rankOne, v, inputs: n), weights: rankOne, input: v, inputs: n)
    #expect(abs(try #require(full) - 1) < 1e-5)
    let random = (0..<(n * outputs)).map { _ in Float(stream.normal()) }
    let rows = (0..<(16 * n)).map { _ in Float(stream.normal()) }
    let none = AlignmentRatio.of(
      product: product(random, rows, inputs: n), weights: random, input: rows, inputs: n)
    #expect(abs(try #require(none) - 0.5) < 0.01)
    #expect(AlignmentRatio.of(product: [0], weights: [0, 0], input: [1, 1], inputs: 2) == nil)
  }

  private func model(_ seed: UInt64) throws -> LanguageModel {
    let configuration = ModelConfiguration(
      layerCount: 1, modelDimension: 256, headCount: 16, feedForwardDimension: 688,
      vocabularySize: 64, contextLength: 16)
    let training = TrainingConfiguration(horizon: .steps(1), learningRate: 0.01)
    return try LanguageModel(
      configuration, seed: Seed(seed), scaling: training.scaling(width: 256), precision: .fp32,
      on: .cpu)
  }

  /// Weights drawn anew have nothing to do with what they read before: 1/2 for each of alpha, omega
  /// and u.
  @Test func updatesThatAreRandomAreNotAligned() throws {
    let pass = try TrainingPass(model(2), maximumTokens: 64)
    let batch = CoordinateCheck.randomBatch(sequences: 4, length: 16, vocabularySize: 64)
    let probe = try pass.probe(batch, since: model(1))
    #expect(probe.updateAlignment.count == 8)
    for (name, update) in probe.updateAlignment {
      for value in [update.alpha, update.omega, update.u] {
        #expect(abs(try #require(value) - 0.5) < 0.1, "\(name)")
      }
    }
    #expect(try pass.probe(batch).updateAlignment.isEmpty)
  }

  /// A step of gradient descent on one token moves each matrix by a multiple of g z^T, which lines
  /// up with z wholly.
  @Test func theUpdateOfOneTokenIsAligned() throws {
    var training = TrainingConfiguration(horizon: .steps(1), learningRate: 1)
    (training.optimizer, training.weightDecay, training.clipNorm) = (.sgd, 0, 0)
    let moved = try model(1)
    let batch = TokenBatch(tokens: [3], targets: [5], offsets: [0, 1], positions: [0])
    let objective = try NextTokenLoss(moved, zLoss: 0, longestSequence: 1, workers: 1)
    let step = try TrainingStep(
      moved, training, on: WorkerPool(workerCount: 1), streams: objective.streams)
    let norm = objective.gradient(of: batch, in: step).norm
    step.update(norm: norm, learningRate: 1, number: 0)
    let probe = try TrainingPass(moved, maximumTokens: 1).probe(batch, since: model(1))
    let updates = probe.updateAlignment
    for (name, update) in updates where !name.contains("q_proj") && !name.contains("k_proj") {
      #expect(abs(try #require(update.alpha) - 1) < 1e-3, "\(name)")
    }
    // One token attends to itself whatever its query and key are.
    let query = try #require(updates["model.layers.0.self_attn.q_proj.weight"])
    #expect(query.alpha == nil)
  }

  private func train(
    into url: URL, every: Int?,
    _ change: (inout TrainingRequest, inout RuntimeOptions) -> Void = {
      _, _ in
    }
  ) throws -> RunRecord {
    try trainTiny(into: url, epochs: 2) { request, options in
      options.probeSteps = every
      options.logsSteps = true
      change(&request, &options)
    }
  }

  /// The first step and every multiple are probed; weights stay what they are, and so does all else
  /// of a line.
  @Test func probesChangeNothingElse() throws {
    let plain = try TemporaryFolder()
    let unprobed = try train(into: plain.url, every: nil)
    let probed = try train(into: folder.url, every: 4)
    #expect(unprobed.weightsHash == probed.weightsHash && probed.weightsHash != nil)
    var steps = try stepMetrics(in: folder.url)
    #expect(
      steps.filter { $0.probe != nil }.map(\.step)
        == [1] + (1...steps.count).filter { $0 % 4 == 0 })
    for index in steps.indices { steps[index].probe = nil }
    #expect(try steps == stepMetrics(in: plain.url))
    #expect(try folder.text("metrics.jsonl").contains("probe") == false)
  }

  /// The gradients of all tensors together have the norm of the step, and at the start nothing is
  /// aligned that is random.
  @Test func numbersOfAProbeAgreeWithTheStep() throws {
    let record = try train(into: folder.url, every: 1)
    let layout = ParameterLayout(record.configuration.model)
    for step in try stepMetrics(in: folder.url) {
      let probe = try #require(step.probe)
      let squares = try layout.tensors.reduce(0.0) { sum, tensor in
        sum + Double(tensor.count) * pow(try #require(probe.gradientRMS[tensor.name]), 2)
      }
      #expect(abs(squares.squareRoot() / step.gradientNorm - 1) < 1e-5)
      #expect(probe.alignment.count == 8 && probe.largestAttentionLogits.count == 1)
      #expect(probe.epsilon?.values.allSatisfy { $0 == 1e-8 } == true)
      #expect(probe.meanOutputLogit != nil)
      // Normed queries and keys have a length of sqrt(head size) times their gains.
      let logit = try #require(probe.largestAttentionLogits[0])
      #expect(logit > 0 && logit < 4 * 1.5)
    }
    let probes = try stepMetrics(in: folder.url).compactMap(\.probe)
    #expect(probes.first?.updateAlignment == nil)
    let early = try #require(probes.dropFirst().first?.updateAlignment)
    #expect(early.count == 8)
    for update in early.values { #expect(update.alpha != nil && update.omega != nil) }
    let first = try #require(stepMetrics(in: folder.url).first?.probe)
    let queries = try #require(first.alignment["model.layers.0.self_attn.q_proj.weight"])
    #expect(abs(queries - 0.5) < 0.1)
  }

  @Test func aContinuedTrainingHasTheSameProbes() throws {
    let whole = try TemporaryFolder()
    _ = try train(into: whole.url, every: 3)
    expectFailure(status: .interrupted) {
      try train(into: folder.url, every: 3) { _, options in
        options.shouldStop = stopping(after: 5)
      }
    }
    _ = try train(into: folder.url, every: 3)
    #expect(try folder.text("steps.jsonl") == whole.text("steps.jsonl"))
  }
}
