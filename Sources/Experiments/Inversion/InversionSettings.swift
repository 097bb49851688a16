package import Corpus
package import Evaluation
package import KnowledgeGraph
package import LabCore

/// How far a chosen wrong answer is from the right ones: the values of `--distances`.
package enum ErrorDistance: String, Codable, CaseIterable, Sendable {
  /// An object that the predicate has of another subject.
  case near
  /// An entity of a type that objects of the predicate have, which is object of none.
  case type
  /// An entity of any other type.
  case other
}

/// What texts are drawn from: the values of `--texts`.
package enum TextOrigin: String, Codable, CaseIterable, Sendable {
  /// The attacked model itself, after `<X>`.
  case prior
  /// A model that was trained to say what stood in the slot, given the answer and the question.
  case inversion
}

/// What decides texts by prompt inversion and rejection sampling, beside the run.
package struct InversionSettings: StudySettings {
  package var origins = TextOrigin.allCases
  package var distances = ErrorDistance.allCases
  package var position = SlotPosition.suffix
  /// Tokens after `<X>`; nil for as many as in training.
  package var length: Int?
  /// Queries that are asked; those answered right are attacked.
  package var exampleCount = 50
  /// Texts that are drawn for each query, wrong answer and origin.
  package var drawCount = 64
  /// Answers of the model to random texts that the inversion model learns from, and how often.
  package var lineCount = 4_000
  package var epochCount = 4
  /// The most copies of a false line before a query; 0 for none.
  package var copyCount = 16
  package var seed: UInt64 = 0

  package init() {}

  enum CodingKeys: String, CodingKey {
    case distances, position, length, seed
    case origins = "texts"
    case exampleCount = "examples"
    case drawCount = "draws"
    case lineCount = "lines"
    case epochCount = "line_epochs"
    case copyCount = "copies"
  }

  package static let all: [StudySetting<InversionSettings>] = [
    StudySetting("texts", \.origins) { try $0.distinct { try $0.choice(TextOrigin.self) } },
    StudySetting("distances", \.distances) {
      try $0.distinct { try $0.choice(ErrorDistance.self) }
    },
    StudySetting("position", \.position) { try $0.choice(SlotPosition.self) },
    StudySetting("length", \.length) { try $0.integer(in: AttackSettings.lengthRange) },
    .seed(\.seed), StudySetting("examples", \.exampleCount, in: 1...1_000_000),
    StudySetting("draws", \.drawCount, in: 1...100_000),
    StudySetting("lines", \.lineCount, in: 100...10_000_000),
    StudySetting("line_epochs", \.epochCount, in: 1...1_000),
    StudySetting("copies", \.copyCount, in: 0...1_000),
  ]
}

/// Draws a wrong answer at each distance.
package struct ErrorDraw {
  private let graph: KnowledgeGraph
  private let seed: Seed
  /// By predicate and distance, the entities that may be drawn, the first of each name.
  private let pools: [[ErrorDistance: [Int32]]]

  package init(graph: KnowledgeGraph, seed: Seed) {
    self.graph = graph
    self.seed = seed
    var objects = [Set<[UInt8]>](repeating: [], count: graph.predicates.count)
    for query in graph.queries {
      for answer in graph.answers[query.answers] {
        objects[Int(query.predicate)].insert(Self.name(answer.object, graph))
      }
    }
    pools = graph.predicates.indices.map { predicate in
      let types = graph.objectTypes(of: Int32(predicate))
      var pools: [ErrorDistance: [Int32]] = [:]
      var seen: Set<[UInt8]> = []
      for entity in graph.entities.indices.map(Int32.init) {
        let name = Self.name(entity, graph)
        guard seen.insert(name).inserted else { continue }
        let isOfType = types.contains(graph.entities[Int(entity)].type)
        let isObject = objects[predicate].contains(name)
        pools[isObject ? .near : isOfType ? .type : .other, default: []].append(entity)
      }
      return pools
    }
  }

  private static func name(_ entity: Int32, _ graph: KnowledgeGraph) -> [UInt8] {
    Array(graph.entities[Int(entity)].name.utf8)
  }

  /// A wrong answer of a query at a distance; nil where the graph has none.
  ///
  /// A pure function of the seed, the query and the distance.
  package func object(_ distance: ErrorDistance, for query: Query) -> Int32? {
    let right = Set(graph.truth(of: query).map { Self.name($0.object, graph) })
    let pool = (pools[Int(query.predicate)][distance] ?? []).filter {
      !right.contains(Self.name($0, graph))
    }
    guard !pool.isEmpty else { return nil }
    var stream = seed.stream(
      "pirs/target/\(distance.rawValue)/\(query.subject)/\(query.predicate)")
    return pool[stream.below(pool.count)]
  }
}
