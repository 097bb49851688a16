/// Measures a graph while it passes by.
struct GraphProfiler: GraphSink {
  private struct ObjectCounts {
    /// Triples with this object that are trained on, and that belong to invisible queries.
    var trained = 0
    var invisible = 0
  }

  private struct PerPredicate {
    var queries = GraphProfile.VisibilityCounts()
    var tripleCount = 0
    var bits = 0.0
    var objects: [Int32: ObjectCounts] = [:]
  }

  private var entityTypes: [EntityType] = []
  private var predicates: [Predicate] = []
  private var entityCounts: [Int] = []
  private var perPredicate: [PerPredicate] = []
  private var triples = GraphProfile.TripleCounts()
  private var answersPerQuery: [Int: Int] = [:]
  private var heldOutQueryCount = 0
  private var visibleSeveralCount = 0
  private var hasBits = true
  /// The facts of the query under way.
  private var pending: [Fact] = []

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) {
    self.entityTypes = entityTypes
    self.predicates = predicates
    entityCounts = Array(repeating: 0, count: entityTypes.count)
    perPredicate = Array(repeating: PerPredicate(), count: predicates.count)
  }

  mutating func add(_ entity: Entity) { entityCounts[Int(entity.type)] += 1 }

  mutating func add(_ fact: Fact) {
    if let last = pending.last,
      last.triple.subject != fact.triple.subject || last.triple.predicate != fact.triple.predicate
    {
      endQuery()
    }
    pending.append(fact)
  }

  private mutating func endQuery() {
    guard let first = pending.first else { return }
    let index = Int(first.triple.predicate)
    let visibleCount = pending.count { $0.heldOut == nil }
    switch Visibility(visibleCount: visibleCount, count: pending.count) {
    case .fvs: perPredicate[index].queries.fvs += 1
    case .pvs: perPredicate[index].queries.pvs += 1
    case .ivs:
      perPredicate[index].queries.ivs += 1
      if first.heldOut == .query { heldOutQueryCount += 1 }
    }
    if visibleCount > 0, pending.count > 1 { visibleSeveralCount += 1 }
    answersPerQuery[pending.count, default: 0] += 1
    perPredicate[index].tripleCount += pending.count
    for fact in pending {
      count(fact, isInvisible: visibleCount == 0)
    }
    pending.removeAll(keepingCapacity: true)
  }

  private mutating func count(_ fact: Fact, isInvisible: Bool) {
    let index = Int(fact.triple.predicate)
    switch fact.heldOut {
    case nil: triples.trained += 1
    case .object: triples.heldOutObject += 1
    case .query: triples.heldOutQuery += 1
    case .subject: triples.heldOutSubject += 1
    }
    if fact.heldOut == nil {
      perPredicate[index].objects[fact.triple.object, default: .init()].trained += 1
    } else {
      perPredicate[index].objects[fact.triple.object, default: .init()].invisible +=
        isInvisible ? 1 : 0
    }
    if let bits = fact.bits { perPredicate[index].bits += bits } else { hasBits = false }
  }

  mutating func profile() -> GraphProfile {
    endQuery()
    var queries = GraphProfile.VisibilityCounts()
    var guessed = 0.0
    var known = 0
    var invisible = 0
    var rows: [GraphProfile.PredicateProfile] = []
    for (predicate, counts) in zip(predicates, perPredicate) {
      queries.fvs += counts.queries.fvs
      queries.pvs += counts.queries.pvs
      queries.ivs += counts.queries.ivs
      // Sums of whole numbers: the order of the dictionary does not matter.
      let trained = counts.objects.values.reduce(0) { $0 + $1.trained }
      let hits = counts.objects.values.reduce(0) { $0 + $1.trained * $1.invisible }
      let expected = trained > 0 ? Double(hits) / Double(trained) : 0
      guessed += expected
      known += counts.objects.values.reduce(0) { $0 + ($1.trained > 0 ? $1.invisible : 0) }
      invisible += counts.objects.values.reduce(0) { $0 + $1.invisible }
      rows.append(
        GraphProfile.PredicateProfile(
          name: predicate.name, subjectType: predicate.subjectType.map { name(ofType: $0) },
          objectType: predicate.objectType.map { name(ofType: $0) }, queries: counts.queries,
          tripleCount: counts.tripleCount, distinctObjectCount: counts.objects.count,
          bits: hasBits ? counts.bits : nil,
          guessRate: counts.queries.ivs > 0 ? expected / Double(counts.queries.ivs) : nil))
    }
    let answers = answersPerQuery.keys.sorted().map {
      GraphProfile.AnswerCount(answers: $0, queries: answersPerQuery[$0] ?? 0)
    }
    let reciprocals = answers.reduce(0) { $0 + Double($1.queries) / Double($1.answers) }
    return GraphProfile(
      entityTypes: zip(entityTypes, entityCounts).map { .init(name: $0.name, entityCount: $1) },
      predicates: rows, queries: queries, triples: triples, answersPerQuery: answers,
      meanReciprocalAnswers: reciprocals / Double(max(1, queries.total)),
      bits: hasBits ? rows.reduce(0) { $0 + ($1.bits ?? 0) } : nil,
      guessRate: queries.ivs > 0 ? guessed / Double(queries.ivs) : nil,
      knownInvisibleAnswerCount: known, invisibleAnswerCount: invisible,
      heldOutQueryCount: heldOutQueryCount, visibleSeveralCount: visibleSeveralCount)
  }

  private func name(ofType id: Int32) -> String { entityTypes[Int(id)].name }
}
