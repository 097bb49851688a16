/// A whole graph in memory, read-only: names, queries and their answers.
package final class KnowledgeGraph: Sendable {
  package let entityTypes: [EntityType]
  package let entities: [Entity]
  package let predicates: [Predicate]
  /// In order of (subject, predicate).
  package let queries: [Query]
  package let answers: [Answer]
  /// Hash of names, triples and visibility: equal for equal graphs, wherever they are stored.
  package let contentHash: String

  private let entityIDs: [String: [Int32]]
  private let predicateIDs: [String: Int32]
  /// For each predicate, its stated object type or, where none is stated, the types its objects have.
  let objectTypesOfPredicates: [Set<Int32>]

  /// Builds a graph from its parts; `queries` must be in order of (subject, predicate).
  package init(
    entityTypes: [EntityType], entities: [Entity], predicates: [Predicate], queries: [Query],
    answers: [Answer], contentHash: String
  ) {
    self.entityTypes = entityTypes
    self.entities = entities
    self.predicates = predicates
    self.queries = queries
    self.answers = answers
    self.contentHash = contentHash
    var ids: [String: [Int32]] = [:]
    for (id, entity) in entities.enumerated() { ids[entity.name, default: []].append(Int32(id)) }
    entityIDs = ids
    predicateIDs = Dictionary(
      predicates.enumerated().map { ($0.element.name, Int32($0.offset)) },
      uniquingKeysWith: { first, _ in first })
    var types = predicates.map { predicate in predicate.objectType.map { Set([$0]) } ?? [] }
    for query in queries where predicates[Int(query.predicate)].objectType == nil {
      for answer in answers[query.answers] {
        types[Int(query.predicate)].insert(entities[Int(answer.object)].type)
      }
    }
    objectTypesOfPredicates = types
  }

  /// Ids of all entities with this name: several where names are ambiguous, none where it is unknown.
  package func entities(named name: String) -> [Int32] { entityIDs[name] ?? [] }

  /// The id of the predicate with this name, or nil where there is none.
  package func predicate(named name: String) -> Int32? { predicateIDs[name] }

  /// The query (subject, predicate, ?), or nil where the graph has no such triple.
  package func query(subject: Int32, predicate: Int32) -> Query? {
    var low = 0
    var high = queries.count
    while low < high {
      let middle = (low + high) / 2
      let query = queries[middle]
      if (query.subject, query.predicate) < (subject, predicate) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low < queries.count, queries[low].subject == subject, queries[low].predicate == predicate
    else { return nil }
    return queries[low]
  }

  /// Queries inside the nested fraction (0, 1] of the graph, in order.
  package func queries(fraction: Double) -> [Query] { queries.filter { $0.rank < fraction } }

  /// The triples to train on inside the nested fraction (0, 1], in order of (subject, predicate, object).
  package func visibleTriples(fraction: Double) -> [Triple] {
    queries(fraction: fraction).flatMap { query in
      answers[query.answers].filter(\.isVisible).map {
        Triple(subject: query.subject, predicate: query.predicate, object: $0.object)
      }
    }
  }
}
