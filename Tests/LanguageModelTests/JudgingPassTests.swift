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

  /// At the end of the first text, and at both tokens of the second.
  private let rows = [
    JudgedRow(row: 4, start: 2), JudgedRow(row: 6, start: 5), JudgedRow(row: 7, start: 5),
  ]

  /// The sum of `weights` times the logits, as a function of the parameters.
  private func objective(_ values: [Float], _ readOut: [Float], _ weights: [Float]) throws -> Double
  {
    let model = try LanguageModel(shape, values: values, on: .cpu)
    let pass = try TrainingPass(model, maximumTokens: 8)
    let logits = pass.logits(batch, rows: rows, readOut: readOut).logits
    return zip(logits, weights).reduce(0) { $0 + Double($1.0 * $1.1) }
  }

  @Test(arguments: [false, true])
  func gradientsEqualFiniteDifferences(readsLogProbability: Bool) throws {
    let seed = Seed(4)
    let model = try LanguageModel(shape, seed: seed, on: .cpu)
    let values = model.parameters.copyOut()
    var stream = seed.stream("read-out")
    let readOut = (0..<(readsLogProbability ? 10 : 9)).map { _ in Float(stream.normal()) }
    let weights: [Float] = [0.5, -1, 0.75]
    let pass = try TrainingPass(model, maximumTokens: 8)
    let (logits, inputs) = pass.logits(batch, rows: rows, readOut: readOut)
    #expect(logits.count == 3 && inputs.count == 3 * (readOut.count - 1))
    let gradients = try Gradients(model.layout, on: .cpu)
    pass.backward(batch, rows: rows, readOut: readOut, logitGradient: weights, into: gradients)
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
    // The model's own read-out takes part in the log-probability alone.
    let last = try #require(model.layout.tensors.first { $0.role == .readOut })
    let own = gradient[last.offset..<(last.offset + last.count)]
    #expect(own.allSatisfy { $0 == 0 } == !readsLogProbability)
  }

  /// Of the tokens after the start, up to the row that is judged.
  @Test func theLogProbabilityIsTheModels() throws {
    let model = try LanguageModel(shape, seed: Seed(5), on: .cpu)
    let pass = try TrainingPass(model, maximumTokens: 8)
    let readOut: [Float] = [0, 0, 1, 0, 0, 0, 0, 0, 1.5, 0.25]
    let (logits, inputs) = pass.logits(batch, rows: rows, readOut: readOut)
    func exact(_ prompt: [Int32], _ tokens: [Int32]) throws -> Double {
      let item = PromptedCompletions(prompt: prompt, completions: [tokens])
      return try InferenceSession(model).completionLogProbabilities([item])[0][0][0]
    }
    let expected = try [exact([2, 7, 3], [8, 4]), exact([2], [9]), exact([2], [9, 11])]
    for index in rows.indices {
      let (state, read) = (inputs[index * 9 + 2], inputs[index * 9 + 8])
      #expect(abs(Double(read) - expected[index]) < 1e-5)
      #expect(abs(logits[index] - (state + 1.5 * read + 0.25)) < 1e-5)
    }
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
    let rows = [0, 5].map { JudgedRow(row: $0, start: $0) }
    let logits = pass.logits(batch, rows: rows, readOut: readOut).logits
    for (logit, row) in zip(logits, [0, 5]) {
      #expect(abs(logit - (states[row * 8] + 2 * states[row * 8 + 7] + 0.5)) < 1e-5)
    }
  }
}
