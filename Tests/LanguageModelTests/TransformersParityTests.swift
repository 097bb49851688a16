import Compute
import Foundation
import LabCore
import LanguageModel
import Testing

/// Logits and loss against values that Hugging Face transformers computed in double precision.
///
/// Fixtures/make_logits.py makes the values.
struct TransformersParityTests {
  struct Fixture: Decodable {
    struct Case: Decodable {
      let queryKeyNorm: Bool
      let tiedEmbeddings: Bool
      let tokens: [[Int32]]
      let logits: [[Float]]
      let loss: Double

      enum CodingKeys: String, CodingKey {
        case queryKeyNorm = "query_key_norm"
        case tiedEmbeddings = "tied_embeddings"
        case tokens, logits, loss
      }
    }
    let cases: [Case]
  }

  /// The formula of Fixtures/make_logits.py.
  static func values(_ layout: ParameterLayout) -> [Float] {
    layout.tensors.flatMap { tensor in
      (0..<tensor.count).map { index in
        let wave = 0.3 * sin(0.7 * Double(index) + Double(tensor.name.utf8.count))
        return Float(tensor.name.contains("norm") ? 1 + wave : wave)
      }
    }
  }

  @Test func logitsAndLossEqualTransformers() throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/logits.json")
    let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
    #expect(fixture.cases.count == 4)
    for example in fixture.cases {
      let shape = ModelConfiguration(
        layerCount: 2, modelDimension: 12, headCount: 2, feedForwardDimension: 20,
        vocabularySize: 13, contextLength: 16, tiedEmbeddings: example.tiedEmbeddings,
        queryKeyNorm: example.queryKeyNorm)
      let model = try LanguageModel(
        shape, values: Self.values(ParameterLayout(shape)), on: .cpu)
      var batch = TokenBatch()
      for tokens in example.tokens {
        batch.append(tokens: tokens, targets: tokens.dropFirst() + [-1])
      }
      let logits = try InferenceSession(model, maximumTokens: 64).allLogits(batch)
      let expected = example.logits.flatMap { $0 }
      #expect(logits.count == expected.count)
      let worst = zip(logits, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst < 1e-4, "qk-norm \(example.queryKeyNorm), tied \(example.tiedEmbeddings)")
      let pass = try TrainingPass(model, maximumTokens: 64)
      let gradients = try Gradients(model)
      let loss = pass.run(batch, into: gradients, scale: 1, zLoss: 0)
      #expect(abs(loss - example.loss) < 1e-4 * Double(batch.lossCount))
    }
  }
}
