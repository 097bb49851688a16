/// Builds a graph in memory from its triples in order.
package struct GraphBuilder: GraphSink {
  private var entityTypes: [EntityType] = []
  private var entities: [Entity] = []
  private var predicates: [Predicate] = []
  private var queries: [Query] = []
  private var answers: [Answer] = []
  private var falsehoods: [TaughtTriple] = []
  private var start = 0
  private var current: (subject: Int32, predicate: Int32)?
  private var predicateHashes: [UInt64] = []
  private var subjectHash: (subject: Int32, hash: UInt64) = (-1, 0)
  private var hasher: GraphHasher

  init(hashVersion: Int = GraphHasher.version) { hasher = GraphHasher(version: hashVersion) }

  package init(entityTypes: [EntityType], entities: [Entity], predicates: [Predicate]) {
    self.init()
    begin(entityTypes: entityTypes, predicates: predicates)
    for entity in entities { add(entity) }
  }

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) {
    self.entityTypes = entityTypes
    self.predicates = predicates
    predicateHashes = predicates.map { NameHash.hash($0.name) }
    hasher.begin(entityTypes: entityTypes, predicates: predicates)
  }

  mutating func add(_ entity: Entity) {
    entities.append(entity)
    hasher.add(entity)
  }

  /// Adds a triple, which must come after the one before in order of (subject, predicate, object).
  package mutating func add(_ triple: Triple, isVisible: Bool, bits: Double = .nan) {
    add(Fact(triple: triple, heldOut: isVisible ? nil : .object, bits: bits))
  }

  mutating func add(_ fact: Fact) {
    hasher.add(fact)
    let triple = fact.triple
    guard fact.isTrue else {
      falsehoods.append(
        TaughtTriple(triple: triple, exposures: fact.exposures, noise: fact.noise))
      return
    }
    if current?.subject != triple.subject || current?.predicate != triple.predicate {
      endQuery()
      current = (triple.subject, triple.predicate)
    }
    answers.append(
      Answer(
        object: triple.object, isVisible: fact.heldOut == nil, bits: fact.bits ?? .nan,
        exposures: fact.exposures, derivation: fact.derivation, isInferable: fact.isInferable))
  }

  /// The graph of everything added.
  package mutating func build() -> KnowledgeGraph {
    endQuery()
    return KnowledgeGraph(
      entityTypes: entityTypes, entities: entities, predicates: predicates, queries: queries,
      answers: answers, contentHash: hasher.finalize(), falsehoods: falsehoods)
  }

  private mutating func endQuery() {
    guard let (subject, predicate) = current else { return }
    let range = start..<answers.count
    start = answers.count
    current = nil
    let visibleCount = answers[range].count { $0.isVisible }
    if subjectHash.subject != subject {
      subjectHash = (subject, NameHash.hash(entities[Int(subject)].name))
    }
    queries.append(
      Query(
        subject: subject, predicate: predicate,
        visibility: .init(visibleCount: visibleCount, count: range.count), answers: range,
        rank: NameHash.rank(
          subject: subjectHash.hash, predicate: predicateHashes[Int(predicate)])))
  }
}

extension Visibility {
  /// The visibility of a query with `count` answers, `visibleCount` of which are trained on.
  package init(visibleCount: Int, count: Int) {
    self = visibleCount == count ? .fvs : visibleCount == 0 ? .ivs : .pvs
  }
}
