import Compute
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Training

/// Small graphs made from names, and models that know nothing of them.
enum TestGraph {
  typealias Row = SmallGraph.Row

  /// Queries of all three visibilities over five words; answers of one and of two tokens.
  static let tiny = make([
    Row("ann", "in", "rome", "city"),
    Row("ann", "near", "rome", "city"),
    Row("ann", "near", "new rome", "city", visible: false),
    Row("bob", "in", "new rome", "city"),
    Row("bob", "near", "new new", "city", visible: false),
  ])

  /// `count` people with three queries each: one of several answers, one invisible for every fifth.
  static func people(_ count: Int) -> KnowledgeGraph {
    make(
      (0..<count).flatMap { index -> [Row] in
        let name = "first\(index % 20) last\(index / 20)"
        return [
          Row(name, "in", "city\(index % 7)", "city", visible: index % 5 > 0),
          Row(name, "likes", "thing\(index % 3) big", "thing"),
          Row(name, "likes", "thing\(index % 3)", "thing", visible: index % 2 == 0),
          Row(name, "near", "city\(index % 4)", "city"),
        ]
      })
  }

  /// `count` families: parents trained on, every third child's way back held out.
  static func families(_ count: Int) -> KnowledgeGraph {
    make(
      (0..<count).flatMap { index -> [Row] in
        let (parent, child) = ("p\(index) a", "c\(index) b")
        return [
          Row(parent, "parent of", child, "person"),
          Row(child, "child of", parent, "person", visible: index % 3 > 0),
          Row(parent, "in", "city\(index % 5)", "city"),
        ]
      })
  }

  static func make(_ rows: [Row]) -> KnowledgeGraph { SmallGraph.make(rows, subjects: "person") }
}

extension TrainedRun {
  /// Keeps its checkpoints.
  convenience init(
    _ graph: KnowledgeGraph, epochs: Int = 2, seed: UInt64 = 0, rate: Double? = nil
  ) throws {
    try self.init(graph, epochs: epochs) { request, runtime in
      runtime.shouldStop = { false }
      runtime.keep = try KeepPlan(steps: "log,0", epochs: nil)
      request.seed = seed
      request.learningRate = rate
      request.training.tokensPerStep = 64
    }
  }
}

/// A graph with a tokenizer and a model that half knows it: 30 steps of gradient descent from
/// scratch.
struct Fixture {
  let graph: KnowledgeGraph
  let tokenizer: any Tokenizer
  let model: LanguageModel

  init(_ graph: KnowledgeGraph, tokenizer kind: TokenizerKind = .word) throws {
    self.graph = graph
    tokenizer = try kind.tokenizer(for: graph, vocabularySize: 270)
    let shape = ModelConfiguration(
      layerCount: 1, modelDimension: 8, headCount: 2, feedForwardDimension: 16,
      vocabularySize: tokenizer.vocabularySize, contextLength: 32)
    model = try LanguageModel(shape, seed: Seed(3), on: .cpu)
    try train()
  }

  private func train() throws {
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    var batch = TokenBatch()
    for triple in graph.statements(fraction: 1).map(\.triple) {
      let sequence = text.sequence(of: triple)
      batch.append(tokens: sequence.dropLast(), targets: sequence.dropFirst())
    }
    let pass = try TrainingPass(model, maximumTokens: batch.tokens.count)
    let gradients = try Gradients(model.layout, on: .cpu)
    var values = model.parameters.copyOut()
    let zeros = [Float](repeating: 0, count: values.count)
    for _ in 0..<30 {
      gradients.values.copyIn(zeros)
      _ = pass.run(batch, into: gradients, scale: 1 / Float(batch.lossCount), zLoss: 0)
      for (index, slope) in gradients.values.copyOut().enumerated() { values[index] -= 0.5 * slope }
      model.parameters.copyIn(values)
    }
  }

  func evaluator(_ options: EvaluationOptions, workers: Int = 1) throws -> Evaluator {
    try Evaluator(
      model: model, tokenizer: tokenizer, graph: graph, options: options, workers: workers)
  }

  /// Evaluates into a file that is gone afterwards.
  func summary(_ options: EvaluationOptions) throws -> EvaluationSummary {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) {
      try evaluator(options).run(
        in: RunDatabase.open(in: folder.url, graphHash: graph.contentHash), weightsHash: "weights",
        work: Work(shouldStop: { false }))
    }
  }
}

/// Options that draw nothing but what a test asks for.
func options(
  exact: [Double] = [1], sampled: [Double] = [], samples: Int = 16, seed: UInt64 = 0,
  resamples: Int = 200
) -> EvaluationOptions {
  var options = EvaluationOptions()
  options.exactTemperatures = exact
  options.sampleTemperatures = sampled
  options.samples = samples
  options.seed = seed
  options.resampleCount = resamples
  return options
}
