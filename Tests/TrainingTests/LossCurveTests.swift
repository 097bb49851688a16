import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// 200 steps of training against losses that PyTorch computed from the same weights and batches.
///
/// Tests/Python/loss_curves.py makes the file; `make test-python` makes the losses anew.
struct LossCurveTests {
  struct Curve: Decodable, CustomTestStringConvertible {
    let size: String
    let epochs: Int
    let seed: UInt64
    let tokensPerStep: Int
    let learningRate: Double
    let weightDecay: Double
    let warmUpShare: Double
    let clipNorm: Double
    let zLoss: Double
    let tokenizer: TokenizerKind
    let packing: Packing
    let loss: LossScope
    let tiedEmbeddings: Bool
    let queryKeyNorm: Bool
    let losses: [Double]

    enum CodingKeys: String, CodingKey {
      case size, epochs, seed, tokenizer, packing, loss, losses
      case tokensPerStep = "tokens_per_step"
      case learningRate = "learning_rate"
      case weightDecay = "weight_decay"
      case warmUpShare = "warm_up_share"
      case clipNorm = "clip_norm"
      case zLoss = "z_loss"
      case tiedEmbeddings = "tied_embeddings"
      case queryKeyNorm = "query_key_norm"
    }

    var testDescription: String {
      "\(queryKeyNorm ? "Qwen3" : "Llama"), \(tiedEmbeddings ? "tied" : "untied"), "
        + "\(tokenizer.rawValue), \(packing.rawValue), loss on \(loss.rawValue)"
    }

    var request: TrainingRequest {
      var request = TrainingRequest(size: size, epochs: epochs)
      request.seed = seed
      request.training.tokensPerStep = tokensPerStep
      request.learningRate = learningRate
      request.weightDecay = weightDecay
      request.training.warmUpShare = warmUpShare
      request.training.clipNorm = clipNorm
      request.training.zLoss = zLoss
      request.tokenizer = tokenizer
      request.packing = packing
      request.loss = loss
      request.tiedEmbeddings = tiedEmbeddings
      request.queryKeyNorm = queryKeyNorm
      return request
    }

    static let all = Result {
      struct File: Decodable { let curves: [Curve] }
      return try Repository.fixture("loss_curves.json", as: File.self).curves
    }
  }

  /// The graph of the curves: kg-schemas/tiny.yaml with seed 3.
  private static let graph = Result {
    try GraphGenerator(schema: schema(), seed: Seed(3)).generate()
  }

  static func schema() throws -> GraphSchema {
    try GraphSchema.read(Repository.file("kg-schemas/tiny.yaml"))
  }

  @Test func everyExportedArchitectureIsThere() throws {
    let curves = try Curve.all.get()
    #expect(Set(curves.map { [$0.queryKeyNorm, $0.tiedEmbeddings] }).count == 4)
    #expect(curves.allSatisfy { $0.losses.count == 200 })
  }

  @Test(arguments: try Curve.all.get())
  func lossFollowsPyTorch(curve: Curve) throws {
    let folder = try TemporaryFolder()
    expectFailure(status: .interrupted) {
      try trainTiny(Self.graph.get(), into: folder.url) { request, options in
        request = curve.request
        options.logsSteps = true
        // Stopped after the last step that is compared; the schedule is that of the whole training.
        options.shouldStop = stopping(after: curve.losses.count)
      }
    }
    let steps = try stepMetrics(in: folder.url)
    #expect(steps.map(\.step) == Array(1...200))
    let worst = zip(steps, curve.losses).map { abs($0.crossEntropy - $1) }.max() ?? .infinity
    #expect(worst < 1e-3, "from another start? Tests/Python/loss_curves.py --store")
    let (first, last) = (try #require(steps.first), try #require(steps.last))
    #expect(last.crossEntropy < first.crossEntropy - 0.5)
  }
}

/// The lines of a run's steps.jsonl.
func stepMetrics(in folder: URL) throws -> [TrainingMetrics] {
  try String(contentsOf: folder.appendingPathComponent("steps.jsonl"), encoding: .utf8)
    .split(separator: "\n").map {
      try JSONDecoder().decode(TrainingMetrics.self, from: Data($0.utf8))
    }
}
