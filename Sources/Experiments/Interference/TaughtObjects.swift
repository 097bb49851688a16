import Corpus
import KnowledgeGraph
import LabCore

/// What training says under each predicate, by object: entities of one name are one object.
struct TaughtObjects {
  private let graph: KnowledgeGraph
  private let statements: [Int32: [Int32: [TaughtTriple]]]

  /// Of the training text of the nested fraction.
  init(_ graph: KnowledgeGraph, fraction: Double) {
    self.graph = graph
    var statements: [Int32: [Int32: [TaughtTriple]]] = [:]
    for statement in graph.statements(fraction: fraction) {
      let object = Self.first(statement.triple.object, graph)
      statements[statement.triple.predicate, default: [:]][object, default: []].append(statement)
    }
    self.statements = statements
  }

  /// The first entity of the same name.
  private static func first(_ entity: Int32, _ graph: KnowledgeGraph) -> Int32 {
    graph.hasAmbiguousNames
      ? graph.entities(named: graph.entities[Int(entity)].name).first ?? entity : entity
  }

  /// An object that a wrong answer may be, with the facts that say it of other subjects.
  struct Candidate {
    let object: Int32
    /// In the order of triples; of subjects with another name than the one asked about.
    let facts: [TaughtTriple]

    var exposures: Int { facts.reduce(0) { $0 + Int($1.exposures) } }
  }

  /// The given wrong object, first, and up to `count` - 1 others that are said under the query's
  /// predicate and wrong too.
  ///
  /// Nil where training says the given one of no other subject, or nothing else under the
  /// predicate.
  func candidates(
    _ query: Query, given object: Int32, count: Int, _ stream: inout RandomStream
  ) -> [Candidate]? {
    let given = Self.first(object, graph)
    let name = graph.entities[Int(query.subject)].name
    let truth = Set(graph.truth(of: query).map { Self.first($0.object, graph) })
    let said = statements[query.predicate] ?? [:]
    func candidate(_ object: Int32) -> Candidate? {
      let facts = (said[object] ?? []).filter {
        graph.entities[Int($0.triple.subject)].name != name
      }
      return facts.isEmpty || truth.contains(object) ? nil : Candidate(object: object, facts: facts)
    }
    guard let own = candidate(given) else { return nil }
    var objects = said.keys.filter { $0 != given }.sorted()
    stream.shuffle(&objects)
    let others = objects.lazy.compactMap(candidate).prefix(count - 1)
    return others.isEmpty ? nil : [own] + others
  }
}
