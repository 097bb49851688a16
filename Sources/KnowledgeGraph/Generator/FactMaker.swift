import LabCore

/// Facts of a row of subjects, ready to be written, and what was drawn for them.
struct FactPart: Sendable {
  var facts: [Fact] = []
  var tally: GenerationTally
}

/// Makes the facts of the graph, part by part: each is a function of the schema, the seed and its
/// number.
struct FactMaker: Sendable {
  /// Subjects of one type whose facts are made at once: a multiple of the block that shares a
  /// random stream.
  private static let subjectsPerPart = 8 * PredicatePlan.blockSize

  /// Entity ids.
  let parts: [Range<Int>]
  let subjectCount: Int
  private let plans: [PredicatePlan]
  private let stored: StoredPredicates
  private let nameHashes: [UInt64]
  private let holdOut: HoldOut
  /// By predicate id.
  private let exposures: [ExposureSampler]
  private let falsehoods: [FalsehoodMaker?]

  init(_ generator: GraphGenerator, stored: StoredPredicates, nameHashes: [UInt64]) {
    let (schema, seed, plans) = (generator.schema, generator.seed, generator.plans)
    self.plans = plans
    self.stored = stored
    self.nameHashes = nameHashes
    holdOut = HoldOut(schema.heldOut, seed: seed)
    exposures = plans.map { ExposureSampler($0.schema.exposures ?? schema.exposures, seed: seed) }
    falsehoods = plans.map { plan in
      (plan.schema.noise ?? schema.noise).map { FalsehoodMaker($0, seed: seed) }
    }
    let types = generator.extents.own.filter { own in
      !own.isEmpty && plans.contains { $0.subjects.contains(own.lowerBound) }
    }
    subjectCount = types.reduce(0) { $0 + $1.count }
    parts = types.flatMap { own in
      stride(from: own.lowerBound, to: own.upperBound, by: Self.subjectsPerPart).map {
        $0..<min($0 + Self.subjectsPerPart, own.upperBound)
      }
    }
  }

  func part(_ number: Int) -> FactPart {
    let subjects = parts[number]
    var part = FactPart(tally: GenerationTally(plans.count))
    let plans = plans.filter { $0.subjects.contains(subjects.lowerBound) }
    var draws = plans.map { plan in
      stored.tables[Int(plan.id)] == nil ? self.draws(of: plan, for: subjects) : nil
    }
    for (plan, draws) in zip(plans, draws) {
      if let draws { part.tally.predicates[Int(plan.id)].draws = draws.tally }
    }
    for subject in subjects {
      part.tally.addSubject(isHeldOut: holdOut.isHeldOut(subject: nameHashes[subject]))
      for (position, plan) in plans.enumerated() {
        if let table = stored.tables[Int(plan.id)] {
          addStored(table, subject, plan, to: &part)
        } else {
          addDrawn(&draws[position], subject - subjects.lowerBound, subject, plan, to: &part)
        }
      }
    }
    return part
  }

  private func draws(of plan: PredicatePlan, for subjects: Range<Int>) -> DrawBuffer {
    let first = (subjects.lowerBound - plan.subjects.lowerBound) / PredicatePlan.blockSize
    let last = (subjects.upperBound - 1 - plan.subjects.lowerBound) / PredicatePlan.blockSize
    let others = plan.schema.given.flatMap { given in
      plans.first { $0.schema.name == given.predicate }.flatMap { stored.tables[Int($0.id)] }
    }
    var draws = DrawBuffer()
    for block in first...last { draws.append(plan.draw(block: block, given: others)) }
    return draws
  }

  private func addStored(
    _ table: PredicateTable, _ subject: Int, _ plan: PredicatePlan, to part: inout FactPart
  ) {
    let places = table.places(of: subject)
    guard !places.isEmpty else { return }
    let query = NameHash.mix(nameHashes[subject], plan.nameHash)
    let start = part.facts.count
    for place in places {
      let mark = table.marks[place]
      part.facts.append(
        fact(
          subject, plan, table.objects[place], table.bits[place], mark.heldOut, query,
          derivation: mark.derivation, isInferable: mark.isInferable))
    }
    finishQuery(start, subject, plan, query, &part)
  }

  private func addDrawn(
    _ draws: inout DrawBuffer?, _ index: Int, _ subject: Int, _ plan: PredicatePlan,
    to part: inout FactPart
  ) {
    guard let places = draws?.draws(at: index), !places.isEmpty else { return }
    if places.count > 1 { draws?.sort(places) }
    guard let draws else { return }
    let query = NameHash.mix(nameHashes[subject], plan.nameHash)
    let start = part.facts.count
    let level = holdOut.level(
      subject: nameHashes[subject], query: query, own: plan.schema.heldOut)
    for place in places {
      part.facts.append(fact(subject, plan, draws.objects[place], draws.bits[place], level, query))
    }
    if level == nil, places.count > 1 {
      let hidden = holdOut.hidden(query: query, count: places.count, own: plan.schema.heldOut) {
        nameHashes[Int(draws.objects[places.lowerBound + $0])]
      }
      for index in hidden { part.facts[start + index].heldOut = .object }
    }
    finishQuery(start, subject, plan, query, &part)
  }

  private func fact(
    _ subject: Int, _ plan: PredicatePlan, _ object: Int32, _ bits: Double,
    _ heldOut: HeldOutLevel?, _ query: UInt64, derivation: Derivation? = nil,
    isInferable: Bool = false
  ) -> Fact {
    Fact(
      triple: Triple(subject: Int32(subject), predicate: plan.id, object: object),
      heldOut: heldOut, bits: bits,
      exposures: exposures[Int(plan.id)].exposures(query: query, object: nameHashes[Int(object)]),
      derivation: derivation, isInferable: isInferable)
  }

  /// Counts the facts of a query, from `start` on, and adds what is wrong with them.
  private func finishQuery(
    _ start: Int, _ subject: Int, _ plan: PredicatePlan, _ query: UInt64, _ part: inout FactPart
  ) {
    let id = Int(plan.id)
    part.tally.predicates[id].count(part.facts[start...])
    guard let maker = falsehoods[id],
      part.facts[start...].contains(where: { $0.heldOut == nil })
    else { return }
    for index in start..<part.facts.count where part.facts[index].heldOut == nil {
      let object = nameHashes[Int(part.facts[index].triple.object)]
      guard maker.isDuplicate(query: query, object: object) else { continue }
      part.facts[index].noise = .duplicate
      part.facts[index].exposures *= 2
    }
    let truth = part.facts[start...].map(\.triple.object)
    let found = maker.falsehoods(query: query, subject: subject, truth: truth, plan: plan)
    guard !found.isEmpty else { return }
    for falsehood in found {
      var fact = fact(subject, plan, falsehood.object, falsehood.bits, nil, query)
      fact.noise = falsehood.noise
      part.facts.append(fact)
    }
    part.facts[start...].sort { $0.triple.object < $1.triple.object }
  }
}
