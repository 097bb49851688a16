import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

/// Small shapes that reach every option.
let shapes: [ModelConfiguration] = [
  ModelConfiguration(
    layerCount: 2, modelDimension: 12, headCount: 2, feedForwardDimension: 20, vocabularySize: 17,
    contextLength: 16),
  ModelConfiguration(
    layerCount: 1, modelDimension: 8, headCount: 1, feedForwardDimension: 16, vocabularySize: 11,
    contextLength: 16, activation: .gelu, tiedEmbeddings: true, queryKeyNorm: false),
]

/// Three sequences of lengths 1, 7 and 4, one target without loss.
func smallBatch(vocabulary: Int32) -> TokenBatch {
  var stream = Seed(5).stream("test/batch")
  var batch = TokenBatch()
  for length in [1, 7, 4] {
    let tokens = (0...length).map { _ in Int32(stream.below(Int(vocabulary))) }
    batch.append(tokens: tokens.dropLast(), targets: tokens.dropFirst())
  }
  batch.targets[3] = -1
  return batch
}

struct GradientTests {
  /// Every parameter's gradient against central differences of the loss, in single precision.
  @Test(arguments: shapes)
  func backwardEqualsCentralDifferences(shape: ModelConfiguration) throws {
    let model = try LanguageModel(shape, seed: Seed(1), on: .cpu)
    let batch = smallBatch(vocabulary: Int32(shape.vocabularySize))
    let pass = try TrainingPass(model, maximumTokens: 32)
    let gradients = try Gradients(model.layout, on: .cpu)
    _ = pass.run(batch, into: gradients, scale: 1, zLoss: 0)
    let analytic = gradients.values.copyOut()
    let values = model.parameters.copyOut()
    let scratch = try Gradients(model.layout, on: .cpu)
    func loss(_ index: Int, _ step: Float) -> Double {
      var changed = values
      changed[index] += step
      model.parameters.copyIn(changed)
      return pass.run(batch, into: scratch, scale: 1, zLoss: 0)
    }
    var stream = Seed(2).stream("test/indices")
    for tensor in model.layout.tensors {
      for _ in 0..<6 {
        let index = tensor.offset + stream.below(tensor.count)
        let step: Float = 1e-2
        let numeric = (loss(index, step) - loss(index, -step)) / Double(2 * step)
        let difference = abs(numeric - Double(analytic[index]))
        #expect(
          difference < 2e-3 + 1e-2 * abs(numeric),
          "\(tensor.name)[\(index - tensor.offset)]: \(numeric) against \(analytic[index])")
      }
    }
  }

  /// z-loss adds zLoss * logsumexp^2 a token: its gradient against a difference of that objective.
  @Test func zLossGradient() throws {
    let shape = shapes[0]
    let model = try LanguageModel(shape, seed: Seed(1), on: .cpu)
    let batch = smallBatch(vocabulary: 17)
    let pass = try TrainingPass(model, maximumTokens: 32)
    let session = try InferenceSession(model, maximumTokens: 32)
    let gradients = try Gradients(model.layout, on: .cpu)
    _ = pass.run(batch, into: gradients, scale: 1, zLoss: 0.1)
    let analytic = gradients.values.copyOut()
    let values = model.parameters.copyOut()
    func objective(_ index: Int, _ step: Float) -> Double {
      var changed = values
      changed[index] += step
      model.parameters.copyIn(changed)
      let logits = session.allLogits(batch)
      var sum = 0.0
      for (row, target) in batch.targets.enumerated() where target >= 0 {
        let values = logits[(row * 17)..<(row * 17 + 17)].map(Double.init)
        let lse = log(values.reduce(0) { $0 + exp($1) })
        sum += lse - values[Int(target)] + 0.1 * lse * lse
      }
      return sum
    }
    for tensor in model.layout.tensors {
      let index = tensor.offset + tensor.count / 2
      let numeric = (objective(index, 5e-3) - objective(index, -5e-3)) / 1e-2
      #expect(abs(numeric - Double(analytic[index])) < 2e-3 + 1e-2 * abs(numeric), "\(tensor.name)")
    }
  }

  /// A token's distribution does not depend on later tokens or on other sequences.
  @Test func causalAndIsolated() throws {
    let model = try LanguageModel(shapes[0], seed: Seed(3), on: .cpu)
    let session = try InferenceSession(model, maximumTokens: 32)
    let batch = smallBatch(vocabulary: 17)
    let before = session.allLogits(batch)
    var changed = batch
    changed.tokens[5] = (changed.tokens[5] + 1) % 17
    let after = session.allLogits(changed)
    #expect(Array(before[..<(5 * 17)]) == Array(after[..<(5 * 17)]))
    #expect(Array(before[(8 * 17)...]) == Array(after[(8 * 17)...]))
    #expect(Array(before[(5 * 17)..<(8 * 17)]) != Array(after[(5 * 17)..<(8 * 17)]))
  }
}

struct ParameterTests {
  @Test func countsMatchTheClosedForm() throws {
    for size in ModelSize.all.prefix(13) {
      let shape = size.configuration(vocabularySize: 500, contextLength: 64)
      let width = shape.modelDimension
      let layer = 4 * width * width + 3 * width * shape.feedForwardDimension
      let norms = shape.layerCount * 2 * (width + shape.headDimension) + width
      #expect(shape.nonEmbeddingParameterCount == shape.layerCount * layer + norms)
      #expect(shape.parameterCount == shape.nonEmbeddingParameterCount + 2 * 500 * width)
    }
  }

  @Test func sizesAreNearTheirNames() throws {
    for size in ModelSize.all {
      let shape = size.configuration(vocabularySize: 500, contextLength: 64)
      let scale: Double = size.name.hasSuffix("k") ? 1e3 : size.name.hasSuffix("m") ? 1e6 : 1e9
      let named = try #require(Double(size.name.dropLast())) * scale
      let ratio = Double(shape.nonEmbeddingParameterCount) / named
      #expect(ratio > 0.95 && ratio < 1.15, "\(size.name): \(shape.nonEmbeddingParameterCount)")
    }
  }

  @Test func sizesMayBeLayersAndWidth() throws {
    let size = try ModelSize(named: "3X48")
    #expect(size.name == "3x48" && size.layerCount == 3)
    #expect(size.modelDimension == 48 && size.headCount == 3)
    // 2x64 is 100k by another name.
    let shapes = try ["2x64", "100k"].map {
      try ModelSize(named: $0).configuration(vocabularySize: 10, contextLength: 8)
    }
    #expect(shapes[0] == shapes[1])
    for name in ["3x50", "0x64", "2x0", "5000x16"] {
      expectFailure("size '\(name)' is", "the width a multiple of 16") {
        try ModelSize(named: name)
      }
    }
    expectFailure("or layers x width, such as 4x256") { try ModelSize(named: "4x") }
  }

  @Test func unknownSizeNamesTheNearest() {
    expectFailure("did you mean '300k'?") { try ModelSize(named: "300kk") }
  }
}

struct GenerationTests {
  /// Greedy decoding with a cache equals repeated full forward passes.
  @Test func cachedGreedyEqualsFullForward() throws {
    let model = try LanguageModel(shapes[0], seed: Seed(4), on: .cpu)
    let session = try InferenceSession(model, maximumTokens: 64)
    let prompts: [[Int32]] = [[6, 7, 8], [9, 10], [11, 6, 12, 13]]
    let drawn = try session.generate(
      prompts: prompts, plans: [SamplePlan(samples: 2, inverseTemperature: .infinity)],
      limits: GenerationLimits(maximumNewTokens: 6, endToken: 5, stopTokens: 0..<6)
    ) { _, _, _, _ in 0.5 }.map { $0[0] }
    for (prompt, completions) in zip(prompts, drawn) {
      #expect(completions[0] == completions[1])
      var text = prompt
      var expected: [Int32] = []
      var logProbability = 0.0
      var ended = false
      for _ in 0..<6 {
        var batch = TokenBatch()
        batch.append(tokens: text, targets: text.map { _ in -1 })
        let logits = session.allLogits(batch).suffix(17).map(Double.init)
        let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
        logProbability += logits[best] - log(logits.reduce(0) { $0 + exp($1) })
        if best == 5 { ended = true }
        if best < 6 { break }
        expected.append(Int32(best))
        text.append(Int32(best))
      }
      #expect(completions[0].tokens == expected)
      #expect(completions[0].ended == ended)
      #expect(abs(completions[0].logProbability - logProbability) < 1e-4)
    }
  }

  /// Draws depend on the prompt alone, not on how many share a batch.
  @Test func groupingDoesNotMatter() throws {
    let model = try LanguageModel(shapes[0], seed: Seed(4), on: .cpu)
    let prompts: [[Int32]] = (0..<9).map { [6, Int32(7 + $0 % 5), 8] }
    let limits = GenerationLimits(maximumNewTokens: 5, endToken: 5, stopTokens: 0..<6)
    func draw(_ tokens: Int) throws -> [[[Completion]]] {
      let session = try InferenceSession(model, maximumTokens: tokens)
      return try session.generate(
        prompts: prompts, plans: [SamplePlan(samples: 3, inverseTemperature: 1)], limits: limits
      ) { prompt, _, sample, step in
        var stream = Seed(9).stream("\(prompt)/\(sample)/\(step)")
        return Float(stream.uniform())
      }
    }
    let wide = try draw(64)
    let narrow = try draw(10)
    #expect(wide.map { $0[0].map(\.tokens) } == narrow.map { $0[0].map(\.tokens) })
  }
}

struct SafetensorsTests {
  let entries = [
    Safetensors.Entry(name: "a", shape: [2, 3]), Safetensors.Entry(name: "b", shape: [1]),
  ]

  @Test func roundTrip() throws {
    let values: [Float] = [1, -2, .infinity, .leastNonzeroMagnitude, 0, 3.5, 7]
    let data = try Safetensors.encode(entries, values: values)
    #expect(try Safetensors.decode(data, entries, file: "x") == values)
  }

  @Test func everyTruncationIsRefused() throws {
    let data = try Safetensors.encode(entries, values: [1, 2, 3, 4, 5, 6, 7])
    for length in 0..<data.count {
      #expect(throws: LabError.self) {
        try Safetensors.decode(data.prefix(length), entries, file: "x")
      }
    }
  }
}
