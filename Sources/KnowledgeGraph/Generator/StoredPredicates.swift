import LabCore

/// The predicates whose triples are held whole before anything is written.
///
/// Those that others are derived from or depend on, those with constraints that span subjects, and
/// those of abstract subjects. They are made in an order in which each finds what it builds on.
struct StoredPredicates: Sendable {
  /// By predicate id; nil for a predicate that is drawn as it is written.
  private(set) var tables: [PredicateTable?]
  private(set) var tally: GenerationTally

  /// Throws `LabError` when a constraint cannot be met, and on a request to stop.
  init(
    _ plans: [PredicatePlan], holdOut: HoldOut, nameHashes: [UInt64], file: String, workers: Int,
    progress: ProgressReporter
  ) throws {
    tables = Array(repeating: nil, count: plans.count)
    tally = GenerationTally(plans.count)
    let byName = Dictionary(
      plans.map { ($0.schema.name, $0) }, uniquingKeysWith: { first, _ in first })
    var done: [String: PredicateTable] = [:]
    for plan in plans.bySources(\.schema) where Self.isStored(plan, plans) {
      progress.update("drawing \(plan.schema.name)")
      var table: PredicateTable
      let derived =
        plan.schema.isDerived ? DerivedPredicate(plan, plans: byName, tables: done) : nil
      let closure = Closure(plan)
      if let derived {
        table = try derived.table()
      } else {
        let draws = try Self.draws(
          of: plan, given: plan.schema.given.flatMap { done[$0.predicate] }, file: file,
          workers: workers)
        tally.predicates[Int(plan.id)].draws = draws.tally
        table = try closure.table(of: draws, file: file)
      }
      let hidden = HiddenAnswers(plan: plan, holdOut: holdOut, nameHashes: nameHashes)
      hidden.mark(&table)
      if let derived { derived.markInferable(&table) } else { closure.markInferable(&table) }
      hidden.settle(&table)
      done[plan.schema.name] = table
      tables[Int(plan.id)] = table
    }
  }

  private static func draws(
    of plan: PredicatePlan, given others: PredicateTable?, file: String, workers: Int
  ) throws -> DrawBuffer {
    if plan.isSequential { return try plan.drawSequentially(file: file) }
    var draws = DrawBuffer()
    try OrderedWork.run(parts: plan.blockCount, workers: workers) { block in
      try Interruption.check("generating")
      return plan.draw(block: block, given: others)
    } take: {
      draws.append($0)
    }
    return draws
  }

  private static func isStored(_ plan: PredicatePlan, _ plans: [PredicatePlan]) -> Bool {
    plan.schema.isDerived || plan.isSequential || plan.schema.holding.transitive
      || plan.subjectTypeHasKinds
      || plans.contains { $0.schema.sources.contains(plan.schema.name) }
  }
}

extension PredicateSchema {
  /// The predicates that this one cannot be made without.
  var sources: [String] {
    chain.map(\.predicate) + (given.map { [$0.predicate] } ?? [])
  }
}

extension Array {
  /// The elements, each after those whose predicates its own builds on; without those on a circle.
  func bySources(_ predicate: (Element) -> PredicateSchema) -> [Element] {
    var rest = self
    var ordered: [Element] = []
    var done: Set<String> = []
    while let next = rest.firstIndex(where: { done.isSuperset(of: predicate($0).sources) }) {
      ordered.append(rest.remove(at: next))
      done.insert(predicate(ordered[ordered.count - 1]).name)
    }
    return ordered
  }
}

/// What is held out of a predicate that is held whole.
struct HiddenAnswers {
  let plan: PredicatePlan
  let holdOut: HoldOut
  let nameHashes: [UInt64]

  /// Sets the levels that the schema's shares ask for.
  func mark(_ table: inout PredicateTable) {
    for subject in table.subjects {
      let places = table.places(of: subject)
      guard !places.isEmpty else { continue }
      let levels = holdOut.levels(
        subject: nameHashes[subject], predicate: plan.nameHash, count: places.count,
        own: plan.schema.heldOut
      ) { nameHashes[Int(table.objects[places.lowerBound + $0])] }
      for (place, level) in zip(places, levels) { table.marks[place].heldOut = level }
    }
  }

  /// Makes levels say what became of each query: single objects are hidden only beside visible
  /// ones.
  func settle(_ table: inout PredicateTable) {
    for subject in table.subjects {
      let places = table.places(of: subject)
      guard places.contains(where: { table.marks[$0].heldOut != nil }) else { continue }
      let isVisible = places.contains { table.marks[$0].heldOut == nil }
      let level: HeldOutLevel =
        isVisible ? .object : holdOut.isHeldOut(subject: nameHashes[subject]) ? .subject : .query
      for place in places where table.marks[place].heldOut != nil {
        table.marks[place].heldOut = level
      }
    }
  }
}
