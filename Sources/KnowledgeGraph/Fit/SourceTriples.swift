/// The true triples of a graph by predicate, and what is hidden of them: what a schema is learnt
/// from.
struct SourceTriples: GraphSink {
  /// Counts of what training sees.
  struct HeldOutCounts {
    var openQueries = 0
    var hiddenQueries = 0
    var several = 0
    var partial = 0
  }

  private(set) var entityTypes: [EntityType] = []
  private(set) var names: [String] = []
  /// By entity.
  private(set) var types: [Int32] = []
  private(set) var predicates: [Predicate] = []
  /// By predicate.
  private(set) var pairs: [PairTable] = []
  private(set) var heldOut = HeldOutCounts()
  private(set) var hiddenSubjects: Set<Int32> = []
  private(set) var subjects: Set<Int32> = []
  /// Presentations in an epoch of what is trained on, duplicates counted once, with how often each
  /// occurs.
  private(set) var exposures: [Int: Int] = [:]
  /// By predicate: queries with a trained answer, trained triples, and false or repeated ones among
  /// them.
  private(set) var noise: [NoiseCounts] = []
  private var pending: [Fact] = []
  private var kinds = TypeKinds()
  /// A triple whose subject or object is of another type than its predicate's; nil where there is
  /// none.
  private(set) var mistyped: Triple?

  /// Counts behind a predicate's noise shares.
  struct NoiseCounts {
    var taughtQueries = 0
    var trained = 0
    var statements: [Noise: Int] = [:]
  }

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) {
    self.entityTypes = entityTypes
    kinds = TypeKinds(entityTypes)
    self.predicates = predicates
    pairs = Array(repeating: PairTable(), count: predicates.count)
    noise = Array(repeating: NoiseCounts(), count: predicates.count)
  }

  mutating func add(_ entity: Entity) {
    names.append(entity.name)
    types.append(entity.type)
  }

  mutating func add(_ fact: Fact) {
    let triple = fact.triple
    if let last = pending.last?.triple,
      last.subject != triple.subject || last.predicate != triple.predicate
    {
      endQuery()
    }
    let place = Int(triple.predicate)
    if !kinds.isKind(types[Int(triple.subject)], of: predicates[place].subjectType)
      || !kinds.isKind(types[Int(triple.object)], of: predicates[place].objectType)
    {
      mistyped = mistyped ?? triple
    }
    if let kind = fact.noise { noise[place].statements[kind, default: 0] += 1 }
    if fact.heldOut == nil {
      exposures[max(1, Int(fact.exposures) / (fact.noise == .duplicate ? 2 : 1)), default: 0] += 1
    }
    guard fact.isTrue else { return }
    pending.append(fact)
    pairs[place].append(subject: triple.subject, object: triple.object)
  }

  /// Ends the last query; to be called once, after all facts.
  mutating func finish() { endQuery() }

  private mutating func endQuery() {
    defer { pending.removeAll(keepingCapacity: true) }
    guard let first = pending.first else { return }
    subjects.insert(first.triple.subject)
    let trained = pending.count { $0.heldOut == nil }
    let place = Int(first.triple.predicate)
    noise[place].trained += trained
    if trained > 0 { noise[place].taughtQueries += 1 }
    if pending.contains(where: { $0.heldOut == .subject }) {
      hiddenSubjects.insert(first.triple.subject)
      return
    }
    // What is entailed is also hidden with its premises, which no share says.
    guard !pending.contains(where: { $0.derivation != nil }) else { return }
    heldOut.openQueries += 1
    if trained == 0 {
      heldOut.hiddenQueries += 1
    } else if pending.count > 1 {
      heldOut.several += 1
      if trained < pending.count { heldOut.partial += 1 }
    }
  }

  /// Shares held out at each level, as a schema asks for them.
  var heldOutShares: HeldOutShares {
    func share(_ part: Int, of whole: Int) -> Double { Double(part) / Double(max(1, whole)) }
    let subject = min(0.9, share(hiddenSubjects.count, of: subjects.count))
    let query = share(heldOut.hiddenQueries, of: heldOut.openQueries) * (1 - subject)
    return HeldOutShares(
      object: min(0.99, share(heldOut.partial, of: heldOut.several)).rounded(digits: 3),
      query: min(0.99 - subject, query).rounded(digits: 3), subject: subject.rounded(digits: 3))
  }
}
