/// Counts what the generator makes, to set beside what was asked.
struct GenerationTally: Sendable {
  /// One predicate's counts.
  struct PerPredicate: Sendable {
    var draws = DrawTally()
    var factCount = 0
    /// Queries that are not hidden with their subject, those with a trained answer, and those
    /// hidden by a share of queries; of derived predicates only such as follow from trained
    /// triples.
    var openQueryCount = 0
    var visibleQueryCount = 0
    var hiddenQueryCount = 0
    /// Queries with several answers that are visible or partly so, and the latter alone.
    var severalCount = 0
    var partialCount = 0
    var trainedCount = 0
    var singletonCount = 0
    var presentationCount = 0

    /// Adds the true facts of one query.
    mutating func count(_ facts: ArraySlice<Fact>) {
      factCount += facts.count
      let trained = facts.count { $0.heldOut == nil }
      trainedCount += trained
      for fact in facts where fact.heldOut == nil {
        presentationCount += Int(fact.exposures)
        if fact.exposures == 1 { singletonCount += 1 }
      }
      guard let first = facts.first, first.heldOut != .subject else { return }
      let isOpen = facts.contains { $0.derivation == nil || $0.isInferable }
      if isOpen { openQueryCount += 1 }
      if trained == 0 {
        if isOpen { hiddenQueryCount += 1 }
        return
      }
      visibleQueryCount += 1
      if facts.count > 1 { severalCount += 1 }
      if trained < facts.count { partialCount += 1 }
    }

    mutating func add(_ other: PerPredicate) {
      draws.add(other.draws)
      factCount += other.factCount
      openQueryCount += other.openQueryCount
      visibleQueryCount += other.visibleQueryCount
      hiddenQueryCount += other.hiddenQueryCount
      severalCount += other.severalCount
      partialCount += other.partialCount
      trainedCount += other.trainedCount
      singletonCount += other.singletonCount
      presentationCount += other.presentationCount
    }
  }

  var predicates: [PerPredicate]
  private(set) var subjectCount = 0
  private(set) var heldOutSubjectCount = 0

  init(_ predicateCount: Int) { predicates = Array(repeating: .init(), count: predicateCount) }

  var factCount: Int { predicates.reduce(0) { $0 + $1.factCount } }

  mutating func addSubject(isHeldOut: Bool) {
    subjectCount += 1
    if isHeldOut { heldOutSubjectCount += 1 }
  }

  mutating func add(_ other: GenerationTally) {
    for index in predicates.indices { predicates[index].add(other.predicates[index]) }
    subjectCount += other.subjectCount
    heldOutSubjectCount += other.heldOutSubjectCount
  }

  var information: InformationContent {
    InformationContent(
      objects: predicates.reduce(0) { $0 + $1.draws.objectBits },
      objectCounts: predicates.reduce(0) { $0 + $1.draws.countBits },
      order: predicates.reduce(0) { $0 + $1.draws.orderBits })
  }
}
