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

  /// The first step and every multiple are probed; weights stay what they are, and so does all else of a line.
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

  /// The gradients of all tensors together have the norm of the step, and at the start nothing is aligned that is random.
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
