import Compute
import Detection
import Foundation
import LabCore
import TestSupport
import Testing

struct HeadNetworkTests {
  @Test(arguments: ["linear", "mlp-1", "mlp-9", "mlp-6x3"])
  func gradientEqualsFiniteDifferences(name: String) throws {
    let (rows, width) = (11, 5)
    let toy = ToyExamples(rows: rows, width: width, seed: 3) { _, uniform in uniform < 0.4 }
    let network = try HeadNetwork(
      HeadArchitecture(named: name), inputWidth: width, maximumRows: rows)
    var stream = Seed(4).stream("weights")
    let start = (0..<network.parameters.count).map { _ in Float(0.6 * stream.normal()) }
    let input = try DeviceBuffer<Float>(rows * width, on: .cpu).all
    input.copyIn(toy.features)
    func loss(_ values: [Float]) -> Double {
      network.parameters.copyIn(values)
      return LogLoss.mean(logits: network.forward(input, rows: rows), labels: toy.labels)
    }
    network.parameters.copyIn(start)
    network.accumulateGradient(input, labels: toy.labels)
    let gradient = network.gradient.copyOut()
    #expect(gradient.count == start.count)
    #expect(gradient.contains { abs($0) > 0.01 })
    let step: Float = 1.0 / 1024
    for index in start.indices {
      var (above, below) = (start, start)
      above[index] += step
      below[index] -= step
      let slope = (loss(above) - loss(below)) / Double(above[index] - below[index])
      #expect(abs(slope - Double(gradient[index])) < 1e-3, "parameter \(index)")
    }
  }

  /// Products in bfloat16 keep 8 bits of each factor, and ReLU lets a few units through that it
  /// held back.
  @Test(arguments: ["mlp-16", "mlp-33x2"])
  func gradientsInBF16AreNearThoseInSinglePrecision(name: String) throws {
    let (rows, width) = (70, 19)
    let toy = ToyExamples(rows: rows, width: width, seed: 3) { _, uniform in uniform < 0.4 }
    let input = try DeviceBuffer<Float>(rows * width, on: .cpu).all
    input.copyIn(toy.features)
    let gradients = try [Precision.fp32, .bf16].map { precision in
      let network = try HeadNetwork(
        HeadArchitecture(named: name), inputWidth: width, maximumRows: rows, precision: precision)
      var stream = Seed(4).stream("weights")
      network.initialize(&stream)
      network.accumulateGradient(input, labels: toy.labels)
      return network.gradient.copyOut().map(Double.init)
    }
    func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let difference = norm(zip(gradients[0], gradients[1]).map { $0 - $1 })
    #expect(difference < 0.04 * norm(gradients[0]))
    #expect(difference > 0 || !Device.cpu.supportsBF16)
  }

  @Test func gradientsAddUp() throws {
    let toy = ToyExamples(rows: 4, width: 3, seed: 1) { _, uniform in uniform < 0.5 }
    let network = try HeadNetwork(.linear, inputWidth: 3, maximumRows: 4)
    let input = try DeviceBuffer<Float>(12, on: .cpu).all
    input.copyIn(toy.features)
    network.accumulateGradient(input, labels: toy.labels)
    let once = network.gradient.copyOut()
    network.accumulateGradient(input, labels: toy.labels)
    for (one, two) in zip(once, network.gradient.copyOut()) { #expect(abs(two - 2 * one) < 1e-6) }
  }

  /// Zero parameters: every logit is 0, so the bias's gradient is 1/2 - the share of
  /// hallucinations.
  @Test func biasGradientOfAFreshLinearHead() throws {
    let network = try HeadNetwork(.linear, inputWidth: 1, maximumRows: 4)
    let input = try DeviceBuffer<Float>(4, on: .cpu).all
    input.copyIn([1, 2, 3, -2])
    network.accumulateGradient(input, labels: [true, false, false, false])
    let gradient = network.gradient.copyOut()
    // Mean of (1/2 - label) x: (-1/2 + 1 + 3/2 - 1) / 4.
    #expect(abs(gradient[0] - 0.25) < 1e-6)
    #expect(abs(gradient[1] - 0.25) < 1e-6)
  }

  @Test func logLossDoesNotOverflow() {
    #expect(LogLoss.probability(-1_000) == 0)
    #expect(LogLoss.probability(1_000) == 1)
    #expect(LogLoss.probability(0) == 0.5)
    #expect(LogLoss.mean(logits: [1_000, -1_000], labels: [false, true]) == 1_000)
    #expect(LogLoss.mean(logits: [1_000, -1_000], labels: [true, false]) == 0)
  }

  @Test func sizesAndNames() throws {
    #expect(HeadArchitecture.linear.parameterCount(inputWidth: 64) == 65)
    let wide = try HeadArchitecture(named: "mlp-16")
    #expect(wide.parameterCount(inputWidth: 64) == 64 * 16 + 16 + 16 + 1)
    let deep = try HeadArchitecture(named: "mlp-16x2")
    #expect(deep.hiddenSizes == [16, 16])
    #expect(deep.parameterCount(inputWidth: 64) == 64 * 16 + 16 + 16 * 16 + 16 + 16 + 1)
    #expect(try HeadArchitecture(named: "64").name == "mlp-64")
    for head in HeadArchitecture.ladder + [deep] {
      #expect(try HeadArchitecture(named: head.name) == head)
    }
    #expect(
      HeadArchitecture.ladder.map(\.name) == ["linear", "mlp-4", "mlp-16", "mlp-64", "mlp-256"])
  }

  @Test(arguments: ["liner", "mlp-", "mlp-0", "mlp-16x", "mlp-16x9", "mlp-70000", "", "mlp-4x2x2"])
  func badNamesAreRefused(name: String) {
    expectFailure("unknown head '\(name)'", status: .usage) { try HeadArchitecture(named: name) }
  }

  @Test func standardizerIgnoresConstantColumns() {
    let features: [Float] = [1, 7, 3, 7, 5, 7, 100, 9]
    let standardizer = Standardizer(fitting: features, width: 2, rows: [0, 1, 2])
    #expect(standardizer.means == [3, 7])
    #expect(standardizer.inverseDeviations[1] == 0)
    let scaled = standardizer.apply(features)
    let root = Float((1.5).squareRoot())
    #expect(abs(scaled[0] + root) < 1e-6)
    #expect(scaled[2] == 0)
    #expect(abs(scaled[4] - root) < 1e-6)
    #expect(scaled[7] == 0)
  }
}
