/// A whole graph in memory, read-only: names, queries and their answers.
package final class KnowledgeGraph: Sendable {
  package let entityTypes: [EntityType]
  package let entities: [Entity]
  package let predicates: [Predicate]
  /// In order of (subject, predicate).
  package let queries: [Query]
  package let answers: [Answer]
  /// What is trained on without being true, in order of triple; in no query.
  package let falsehoods: [TaughtTriple]
  /// Hash of names, triples and visibility: equal for equal graphs, wherever they are stored.
  package let contentHash: String

  /// Whether several entities share a name.
  package let hasAmbiguousNames: Bool

  private let entityIDs: [String: [Int32]]
  private let predicateIDs: [String: Int32]
  /// For each predicate, its stated object type or, where none is stated, the types its objects
  /// have.
  let objectTypesOfPredicates: [Set<Int32>]

  /// Builds a graph from its parts; `queries` must be in order of (subject, predicate).
  package init(
    entityTypes: [EntityType], entities: [Entity], predicates: [Predicate], queries: [Query],
    answers: [Answer], contentHash: String, falsehoods: [TaughtTriple] = []
  ) {
    self.entityTypes = entityTypes
    self.entities = entities
    self.predicates = predicates
    self.queries = queries
    self.answers = answers
    self.contentHash = contentHash
    self.falsehoods = falsehoods
    var ids: [String: [Int32]] = [:]
    for (id, entity) in entities.enumerated() { ids[entity.name, default: []].append(Int32(id)) }
    entityIDs = ids
    hasAmbiguousNames = ids.count < entities.count
    predicateIDs = Dictionary(
      predicates.enumerated().map { ($0.element.name, Int32($0.offset)) },
      uniquingKeysWith: { first, _ in first })
    let kinds = TypeKinds(entityTypes)
    var types = predicates.map { Set($0.objectType.map(kinds.all) ?? []) }
    for query in queries where predicates[Int(query.predicate)].objectType == nil {
      for answer in answers[query.answers] {
        types[Int(query.predicate)].insert(entities[Int(answer.object)].type)
      }
    }
    objectTypesOfPredicates = types
  }

  /// The same graph for a model that was trained elsewhere: what it saw is not known, so that every
  /// answer counts as any.
  package func withUnknownVisibility() -> KnowledgeGraph {
    KnowledgeGraph(
      entityTypes: entityTypes, entities: entities, predicates: predicates,
      queries: queries.map {
        Query(
          subject: $0.subject, predicate: $0.predicate, visibility: .unknown, answers: $0.answers,
          rank: $0.rank)
      },
      answers: answers.map {
        Answer(
          object: $0.object, isVisible: true, bits: $0.bits, exposures: $0.exposures,
          derivation: $0.derivation, isInferable: $0.isInferable)
      }, contentHash: contentHash)
  }

  /// Whether it is known of its queries what training saw.
  package var hasKnownVisibility: Bool { queries.first?.visibility != .unknown }

  /// Ids of all entities with this name: several where names are ambiguous, none where it is
  /// unknown.
  package func entities(named name: String) -> [Int32] {
    // Swift's String equality is canonical equivalence; names are equal only byte for byte.
    (entityIDs[name] ?? []).filter {
      entities[Int($0)].name.utf8.elementsEqual(name.utf8)
    }
  }

  /// The id of the predicate with this name, or nil.
  package func predicate(named name: String) -> Int32? {
    guard let id = predicateIDs[name] else { return nil }
    if predicates[Int(id)].name.utf8.elementsEqual(name.utf8) { return id }
    return predicates.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }.map { Int32($0) }
  }

  /// The query (subject, predicate, ?), or nil where the graph has no such triple.
  package func query(subject: Int32, predicate: Int32) -> Query? {
    let place = queries.indices.firstPlace {
      (queries[$0].subject, queries[$0].predicate) >= (subject, predicate)
    }
    guard place < queries.count else { return nil }
    let query = queries[place]
    return query.subject == subject && query.predicate == predicate ? query : nil
  }

  /// All right answers to the question as it is asked in words.
  ///
  /// Those of the query, and where other entities share the subject's name also those of their
  /// queries with the predicate, since the text of the question is the same. An object stands there
  /// once, as visible where any of the queries shows it.
  package func truth(of query: Query) -> [Answer] {
    let own = answers[query.answers]
    guard hasAmbiguousNames else { return Array(own) }
    let namesakes = entities(named: entities[Int(query.subject)].name)
    guard namesakes.count > 1 else { return Array(own) }
    var found: [Int32: Answer] = [:]
    for subject in namesakes {
      guard let other = self.query(subject: subject, predicate: query.predicate) else { continue }
      for answer in answers[other.answers] {
        if let known = found[answer.object], known.isVisible || !answer.isVisible { continue }
        found[answer.object] = answer
      }
    }
    return found.values.sorted { $0.object < $1.object }
  }

  /// Queries inside the nested fraction (0, 1] of the graph, in order.
  package func queries(fraction: Double) -> [Query] { queries.filter { $0.rank < fraction } }

  /// What the training text of the nested fraction (0, 1] says, each triple once, in order of
  /// triple.
  ///
  /// The visible triples, and the falsehoods about them.
  package func statements(fraction: Double) -> [TaughtTriple] {
    var statements: [TaughtTriple] = []
    var nextFalse = 0
    for query in queries {
      let isInside = query.rank < fraction
      var own: [TaughtTriple] = []
      if isInside {
        own = answers[query.answers].filter(\.isVisible).map {
          TaughtTriple(
            triple: Triple(
              subject: query.subject, predicate: query.predicate, object: $0.object),
            exposures: $0.exposures)
        }
      }
      let ownCount = own.count
      // A falsehood belongs to a query with a visible answer, and stands beside it in the same
      // order.
      while nextFalse < falsehoods.count,
        (falsehoods[nextFalse].triple.subject, falsehoods[nextFalse].triple.predicate)
          <= (query.subject, query.predicate)
      {
        if isInside { own.append(falsehoods[nextFalse]) }
        nextFalse += 1
      }
      if own.count > ownCount { own.sort { $0.triple < $1.triple } }
      statements += own
    }
    return statements
  }
}
