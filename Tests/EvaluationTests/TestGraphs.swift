import Compute
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel

/// Small graphs made from names, and models that know nothing of them.
enum TestGraph {
  /// One triple: subject with its type, predicate, object with its type, and whether it is trained on.
  struct Row {
    let subject: String
    let predicate: String
    let object: String
    let objectType: String
    let isVisible: Bool

    init(
      _ subject: String, _ predicate: String, _ object: String, _ objectType: String,
      visible isVisible: Bool = true
    ) {
      self.subject = subject
      self.predicate = predicate
      self.object = object
      self.objectType = objectType
      self.isVisible = isVisible
    }
  }

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

  static func make(_ rows: [Row]) -> KnowledgeGraph {
    var types = ["person"]
    var predicates: [String] = []
    var entities: [(name: String, type: String)] = []
    func id(_ name: String, in list: inout [String]) -> Int32 {
      if !list.contains(name) { list.append(name) }
      return Int32(list.firstIndex(of: name) ?? 0)
    }
    func entity(_ name: String, _ type: String) -> Int32 {
      if !entities.contains(where: { $0 == (name, type) }) { entities.append((name, type)) }
      return Int32(entities.firstIndex { $0 == (name, type) } ?? 0)
    }
    var answers: [[Int32]: [Answer]] = [:]
    for row in rows {
      _ = id(row.objectType, in: &types)
      let key = [entity(row.subject, "person"), id(row.predicate, in: &predicates)]
      answers[key, default: []].append(
        Answer(object: entity(row.object, row.objectType), isVisible: row.isVisible, bits: 1))
    }
    var queries: [Query] = []
    var all: [Answer] = []
    for key in answers.keys.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) {
      let own = (answers[key] ?? []).sorted { $0.object < $1.object }
      let visible = own.count(where: \.isVisible)
      queries.append(
        Query(
          subject: key[0], predicate: key[1],
          visibility: visible == own.count ? .fvs : visible == 0 ? .ivs : .pvs,
          answers: all.count..<(all.count + own.count),
          rank: Double(queries.count) / Double(answers.count)))
      all += own
    }
    return KnowledgeGraph(
      entityTypes: types.map { EntityType(name: $0) },
      entities: entities.map { entity in
        Entity(name: entity.name, type: Int32(types.firstIndex(of: entity.type) ?? 0))
      },
      predicates: predicates.map { Predicate(name: $0, subjectType: 0, objectType: nil) },
      queries: queries, answers: all, contentHash: "test \(rows.count)")
  }
}

/// A graph with a tokenizer and a model that half knows it: 30 steps of gradient descent from scratch.
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

  /// Evaluates into memory.
  func summary(_ options: EvaluationOptions) throws -> EvaluationSummary {
    try evaluator(options).run(
      in: RunDatabase.inMemory(graphHash: graph.contentHash), weightsHash: "weights",
      work: Work(shouldStop: { false }))
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

/// A new empty folder; the caller removes it.
func temporaryFolder() throws -> URL {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("kglab-evaluation-\(UUID().uuidString)", isDirectory: true)
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  return url
}
