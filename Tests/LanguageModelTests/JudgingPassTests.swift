import Compute
import LabCore
import LanguageModel
import Testing

struct JudgingPassTests {
  private let shape = ModelConfiguration(
    layerCount: 2, modelDimension: 8, headCount: 2, feedForwardDimension: 16, vocabularySize: 12,
    contextLength: 8)

  private var batch: TokenBatch {
    var batch = TokenBatch()
    batch.append(tokens: [2, 7, 3, 8, 4], targets: [-1, -1, -1, -1, -1])
    batch.append(tokens: [2, 9, 11], targets: [-1, -1, -1])
    return batch
  }

  /// The sum of `weights` times the logits, as a function of the parameters.
  private func objective(_ values: [Float], _ readOut: [Float], _ weights: [Float]) throws -> Double
  {
    let model = try LanguageModel(shape, values: values, on: .cpu)
    let pass = try TrainingPass(model, maximumTokens: 8)
    let logits = pass.logits(batch, rows: [4, 6, 7], readOut: readOut).logits
    return zip(logits, weights).reduce(0) { $0 + Double($1.0 * $1.1) }
  }

  @Test func gradientsEqualFiniteDifferences() throws {
    let seed = Seed(4)
    let model = try LanguageModel(shape, seed: seed, on: .cpu)
    let values = model.parameters.copyOut()
    var stream = seed.stream("read-out")
    let readOut = (0...8).map { _ in Float(stream.normal()) }
    let weights: [Float] = [0.5, -1, 0.75]
    let pass = try TrainingPass(model, maximumTokens: 8)
    let (logits, states) = pass.logits(batch, rows: [4, 6, 7], readOut: readOut)
    #expect(logits.count == 3 && states.count == 24)
    let gradients = try Gradients(model.layout, on: .cpu)
    pass.backward(
      batch, rows: [4, 6, 7], readOut: readOut, logitGradient: weights, into: gradients)
    let gradient = gradients.values.copyOut()
    var checked = 0
    for tensor in model.layout.tensors {
      for place in [0, tensor.count / 2, tensor.count - 1].map({ tensor.offset + $0 }) {
        let step: Float = 1e-2
        var (above, below) = (values, values)
        above[place] += step
        below[place] -= step
        let slope =
          try (objective(above, readOut, weights) - objective(below, readOut, weights))
          / Double(above[place] - below[place])
        #expect(
          abs(Double(gradient[place]) - slope) < 2e-3 + 0.02 * abs(slope),
          "\(tensor.name) \(place - tensor.offset): \(gradient[place]), not \(slope)")
        checked += slope == 0 ? 0 : 1
      }
    }
    #expect(checked > 40)
    // The model's own read-out takes no part.
    let last = try #require(model.layout.tensors.first { $0.role == .readOut })
    #expect(gradient[last.offset..<(last.offset + last.count)].allSatisfy { $0 == 0 })
  }

  @Test func logitsAreTheReadOutOfTheStates() throws {
    let model = try LanguageModel(shape, seed: Seed(5), on: .cpu)
    let capture = try InferenceSession(model).capture(
      batch, rows: Array(batch.tokens.indices),
      regions: batch.tokens.map { _ in .special }, streams: [.finalNorm])
    let data = try #require(capture.streams[.finalNorm])
    let buffer = try DeviceBuffer<Float>(data.count / 4, on: .cpu).all
    buffer.copyInBytes(data)
    let states = buffer.copyOut()
    let pass = try TrainingPass(model, maximumTokens: 8)
    let readOut: [Float] = [1, 0, 0, 0, 0, 0, 0, 2, 0.5]
    let logits = pass.logits(batch, rows: [0, 5], readOut: readOut).logits
    for (logit, row) in zip(logits, [0, 5]) {
      #expect(abs(logit - (states[row * 8] + 2 * states[row * 8 + 7] + 0.5)) < 1e-5)
    }
  }
}
