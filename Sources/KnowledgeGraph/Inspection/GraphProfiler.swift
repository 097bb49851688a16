/// Measures a graph while it passes by.
struct GraphProfiler: GraphSink {
  private struct PerPredicate {
    var queries = GraphProfile.VisibilityCounts()
    var tripleCount = 0
    var bits = 0.0
    /// Objects that only held-out answers of partly visible queries have.
    var hiddenObjects: Set<Int32> = []
  }

  private var entityTypes: [EntityType] = []
  private var predicates: [Predicate] = []
  private var entityCounts: [Int] = []
  private var perPredicate: [PerPredicate] = []
  /// Made with the first fact, when all entities are known.
  private var objects: ObjectTallies?
  private var triples = GraphProfile.TripleCounts()
  private var training = GraphProfile.TrainingCounts()
  private var entailed = GraphProfile.EntailedCounts()
  private var answersPerQuery: [Int: Int] = [:]
  private var heldOutQueryCount = 0
  private var visibleSeveralCount = 0
  private var hasBits = true
  /// The true facts of the query under way.
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
    countTraining(fact)
    if fact.isTrue { pending.append(fact) }
  }

  private mutating func countTraining(_ fact: Fact) {
    guard fact.heldOut == nil else { return }
    training.statements += 1
    training.presentations += Int(fact.exposures)
    if fact.exposures == 1 { training.singletons += 1 }
    switch fact.noise {
    case nil: break
    case .contradictory: training.contradictory += 1
    case .stale: training.stale += 1
    case .duplicate: training.duplicate += 1
    }
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
    case .unknown: break
    }
    if visibleCount > 0, pending.count > 1 { visibleSeveralCount += 1 }
    answersPerQuery[pending.count, default: 0] += 1
    perPredicate[index].tripleCount += pending.count
    for fact in pending { count(fact, isInvisible: visibleCount == 0) }
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
    if fact.derivation != nil {
      if fact.heldOut == nil {
        entailed.trained += 1
      } else if fact.isInferable {
        entailed.heldOutInferable += 1
      } else {
        entailed.heldOutUnknowable += 1
      }
    }
    if fact.heldOut != nil, !isInvisible {
      perPredicate[index].hiddenObjects.insert(fact.triple.object)
    } else {
      if objects == nil { objects = ObjectTallies(objectRanges()) }
      objects?.add(
        predicate: index, object: fact.triple.object, isTrained: fact.heldOut == nil,
        isInvisible: isInvisible)
    }
    if let bits = fact.bits { perPredicate[index].bits += bits } else { hasBits = false }
  }

  /// Types stand one after another, and a type's kinds right after it, so that a range holds them.
  private func objectRanges() -> [Range<Int>] {
    let starts = entityCounts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    let total = starts.last ?? 0
    return predicates.map { predicate in
      guard let type = predicate.objectType else { return 0..<total }
      let own = Int(type)
      let isSingle = !entityTypes.contains { $0.parent == type }
      return isSingle ? starts[own]..<starts[own + 1] : 0..<total
    }
  }

  mutating func profile() -> GraphProfile {
    endQuery()
    var queries = GraphProfile.VisibilityCounts()
    var (guessed, known, invisible) = (0.0, 0, 0)
    var rows: [GraphProfile.PredicateProfile] = []
    for (index, predicate) in predicates.enumerated() {
      let counts = perPredicate[index]
      queries.fvs += counts.queries.fvs
      queries.pvs += counts.queries.pvs
      queries.ivs += counts.queries.ivs
      let sums = sums(of: index)
      let expected = sums.trained > 0 ? Double(sums.hits) / Double(sums.trained) : 0
      guessed += expected
      known += sums.known
      invisible += sums.invisible
      rows.append(
        GraphProfile.PredicateProfile(
          name: predicate.name, subjectType: predicate.subjectType.map { name(ofType: $0) },
          objectType: predicate.objectType.map { name(ofType: $0) }, queries: counts.queries,
          tripleCount: counts.tripleCount, distinctObjectCount: sums.distinct,
          bits: hasBits ? counts.bits : nil,
          guessRate: counts.queries.ivs > 0 ? expected / Double(counts.queries.ivs) : nil))
    }
    let answers = answersPerQuery.keys.sorted().map {
      GraphProfile.AnswerCount(answers: $0, queries: answersPerQuery[$0] ?? 0)
    }
    let reciprocals = answers.reduce(0) { $0 + Double($1.queries) / Double($1.answers) }
    return GraphProfile(
      entityTypes: zip(entityTypes, entityCounts).map { .init(name: $0.name, entityCount: $1) },
      predicates: rows, queries: queries, triples: triples, training: training,
      entailed: entailed, answersPerQuery: answers,
      meanReciprocalAnswers: reciprocals / Double(max(1, queries.total)),
      bits: hasBits ? rows.reduce(0) { $0 + ($1.bits ?? 0) } : nil,
      guessRate: queries.ivs > 0 ? guessed / Double(queries.ivs) : nil,
      knownInvisibleAnswerCount: known, invisibleAnswerCount: invisible,
      heldOutQueryCount: heldOutQueryCount, visibleSeveralCount: visibleSeveralCount)
  }

  /// Sums of whole numbers over a predicate's objects, so that their order does not matter.
  private func sums(
    of predicate: Int
  ) -> (trained: Int, invisible: Int, hits: Int, known: Int, distinct: Int) {
    var sums = (trained: 0, invisible: 0, hits: 0, known: 0, distinct: 0)
    var hidden = perPredicate[predicate].hiddenObjects
    objects?.forEachObject(of: predicate) { object, counts in
      let (trained, invisible) = (Int(counts.trained), Int(counts.invisible))
      sums.trained += trained
      sums.invisible += invisible
      sums.hits += trained * invisible
      sums.known += trained > 0 ? invisible : 0
      sums.distinct += 1
      hidden.remove(object)
    }
    sums.distinct += hidden.count
    return sums
  }

  private func name(ofType id: Int32) -> String { entityTypes[Int(id)].name }
}
