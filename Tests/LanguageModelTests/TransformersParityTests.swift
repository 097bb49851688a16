import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

/// What Hugging Face transformers computed in double precision, for every architecture that is
/// exported.
///
/// Fixtures/make_logits.py makes the values.
struct TransformersParityTests {
  struct Fixture: Decodable {
    struct Greedy: Decodable {
      let prompt: [Int32]
      let tokens: [Int32]
      let logProbability: Double

      enum CodingKeys: String, CodingKey {
        case prompt, tokens
        case logProbability = "log_probability"
      }
    }

    struct Case: Decodable, CustomTestStringConvertible {
      let queryKeyNorm: Bool
      let tiedEmbeddings: Bool
      let heads: Int
      let tokens: [[Int32]]
      let logits: [[Float]]
      let loss: Double
      let greedy: [Greedy]
      /// Logits by layer after the first prompt's last token.
      let lens: [[Float]]
      let completions: [[Int32]]
      /// Of the completions after the first prompt, at temperatures 1 and 0.5.
      let completionLogProbabilities: [[Double]]

      enum CodingKeys: String, CodingKey {
        case queryKeyNorm = "query_key_norm"
        case tiedEmbeddings = "tied_embeddings"
        case heads, tokens, logits, loss, greedy, lens, completions
        case completionLogProbabilities = "completion_log_probabilities"
      }

      var testDescription: String {
        "\(queryKeyNorm ? "Qwen3" : "Llama"), \(tiedEmbeddings ? "tied" : "untied"), \(heads) heads"
      }

      var shape: ModelConfiguration {
        ModelConfiguration(
          layerCount: 2, modelDimension: 12, headCount: heads, feedForwardDimension: 20,
          vocabularySize: 13, contextLength: 16, tiedEmbeddings: tiedEmbeddings,
          queryKeyNorm: queryKeyNorm)
      }

      var batch: TokenBatch {
        var batch = TokenBatch()
        for tokens in tokens {
          batch.append(tokens: tokens, targets: tokens.dropFirst() + [-1])
        }
        return batch
      }
    }
    let cases: [Case]

    static let all = Result { try Repository.fixture("logits.json", as: Fixture.self).cases }
  }

  /// The formula of Fixtures/make_logits.py.
  static func values(_ layout: ParameterLayout) -> [Float] {
    layout.tensors.flatMap { tensor in
      (0..<tensor.count).map { index in
        let place = Double(index)
        let angle = 0.7 * place + 0.013 * place * place + Double(tensor.name.utf8.count)
        let wave = 0.3 * sin(angle)
        return Float(tensor.name.contains("norm") ? 1 + wave : wave)
      }
    }
  }

  static func model(_ example: Fixture.Case) throws -> LanguageModel {
    try LanguageModel(
      example.shape, values: values(ParameterLayout(example.shape)), on: .cpu)
  }

  /// Four families with one, two and three heads each.
  @Test func everyExportedArchitectureIsThere() throws {
    let cases = try Fixture.all.get()
    #expect(Set(cases.map(\.testDescription)).count == 12)
  }

  @Test(arguments: try Fixture.all.get())
  func logitsAndLossEqualTransformers(example: Fixture.Case) throws {
    let model = try Self.model(example)
    let batch = example.batch
    let logits = try InferenceSession(model, maximumTokens: 64).allLogits(batch)
    let expected = example.logits.flatMap { $0 }
    #expect(logits.count == expected.count)
    let worst = zip(logits, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst < 1e-4)
    let pass = try TrainingPass(model, maximumTokens: 64)
    let gradients = try Gradients(model.layout, on: .cpu)
    let loss = pass.run(batch, into: gradients, scale: 1, zLoss: 0)
    #expect(batch.lossCount == 26)
    #expect(abs(loss - example.loss) < 1e-4)
  }

  /// With a key-value cache, token by token: positions after the prompt's are right too.
  @Test(arguments: try Fixture.all.get())
  func greedyTextEqualsTransformers(example: Fixture.Case) throws {
    let session = try InferenceSession(Self.model(example), maximumTokens: 64)
    let completions = try session.generate(
      prompts: example.greedy.map(\.prompt),
      plans: [SamplePlan(samples: 1, inverseTemperature: .infinity)],
      limits: GenerationLimits(maximumNewTokens: 9, endToken: -1, stopTokens: 0..<0)
    ) { _, _, _, _ in 0 }.map { $0[0] }
    for (expected, found) in zip(example.greedy, completions) {
      #expect(found.map(\.tokens) == [expected.tokens])
      #expect(abs((found.first?.logProbability ?? 0) - expected.logProbability) < 1e-4)
    }
  }

  /// The final norm and the read-out on what leaves each layer.
  @Test(arguments: try Fixture.all.get())
  func logitLensEqualsTransformers(example: Fixture.Case) throws {
    let session = try InferenceSession(Self.model(example), maximumTokens: 64)
    let layers = try session.layerLogits(example.greedy[0].prompt)
    #expect(layers.count == 3)
    for (found, expected) in zip(layers, example.lens) {
      #expect(found.count == expected.count)
      let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst < 1e-4)
    }
  }

  /// Whole completions of one prompt, which share its computation.
  @Test(arguments: try Fixture.all.get())
  func completionsEqualTransformers(example: Fixture.Case) throws {
    let session = try InferenceSession(Self.model(example), maximumTokens: 64)
    let scores = try session.completionLogProbabilities(
      [PromptedCompletions(prompt: example.greedy[0].prompt, completions: example.completions)],
      options: ScoringOptions(inverseTemperatures: [1, 2]))
    for (found, expected) in zip(scores[0], example.completionLogProbabilities) {
      for (one, other) in zip(found, expected) { #expect(abs(one - other) < 1e-4) }
    }
    #expect(scores[0].count == 4)
  }
}
