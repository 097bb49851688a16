/// Promises that span the queries of a predicate, or several predicates.
extension ConstraintChecks {
  mutating func checkConstraints(_ known: Subjected) {
    let constraints = known.schema.holding
    let pairs = known.pairs
    func triple(_ subject: Int32, _ object: Int32) -> Triple {
      Triple(subject: subject, predicate: known.id, object: object)
    }
    if constraints.inverseFunctional {
      let back = pairs.reversed().table
      for place in back.subjects.indices.dropFirst()
      where back.subjects[place] == back.subjects[place - 1] {
        note(
          .inverseFunctional, triple(back.objects[place], back.subjects[place]),
          "shares its object with the subject '%'", other: back.objects[place - 1])
      }
    }
    if constraints.symmetric { checkMirrors(known) }
    if constraints.acyclic, let pair = pairs.pairOnACircle() {
      note(.acyclic, triple(pair.subject, pair.object), "is on a chain that leads back to itself")
    }
    if constraints.transitive { checkChains(known) }
  }

  private mutating func checkMirrors(_ known: Subjected) {
    for place in 0..<known.pairs.count {
      let triple = known.triple(at: place)
      guard let mirror = known.pairs.place(subject: triple.object, object: triple.subject) else {
        note(.symmetric, triple, "does not hold the other way round")
        continue
      }
      let (mark, other) = (known.marks[place], known.marks[mirror])
      if mark.derivation == nil, other.derivation == nil, place < mirror {
        note(
          .symmetric, triple, "and its mirror image are both labelled as standing for themselves")
      }
      guard mark.derivation == .symmetric else { continue }
      if other.derivation != nil {
        note(
          .symmetric, triple, "is labelled entailed by its mirror image, which is itself entailed")
      }
      if mark.isInferable != (other.heldOut == nil) {
        note(.inferable, triple, Self.wrongLabel(mark))
      }
    }
  }

  private mutating func checkChains(_ known: Subjected) {
    let pairs = known.pairs
    for place in 0..<pairs.count {
      let first = known.triple(at: place)
      for object in pairs.objects(of: first.object)
      where object != first.subject && !pairs.contains(subject: first.subject, object: object) {
        note(
          .transitive, Triple(subject: first.subject, predicate: known.id, object: object),
          "is missing, although a chain through '%' leads there", other: first.object)
      }
    }
    // What the trained triples that stand for themselves lead to, from each subject.
    for places in pairs.subjects.runs(by: { $0 }).map(\.indices)
    where places.contains(where: { known.marks[$0].derivation == .transitive }) {
      let subject = pairs.subjects[places.lowerBound]
      let drawn = reached(from: subject, known) { $0.derivation != .transitive }
      let taught = reached(from: subject, known) {
        $0.derivation != .transitive && $0.heldOut == nil
      }
      for place in places where known.marks[place].derivation == .transitive {
        if !drawn.contains(pairs.objects[place]) {
          note(
            .transitive, known.triple(at: place), "is labelled entailed, but no chain leads there")
        }
        if known.marks[place].isInferable != taught.contains(pairs.objects[place]) {
          note(.inferable, known.triple(at: place), Self.wrongLabel(known.marks[place]))
        }
      }
    }
  }

  private func reached(
    from subject: Int32, _ known: Subjected, _ isStep: (TripleMark) -> Bool
  ) -> Set<Int32> {
    var found: Set<Int32> = [subject]
    var next = [subject]
    while let current = next.popLast() {
      for place in known.pairs.places(of: current)
      where isStep(known.marks[place]) && found.insert(known.pairs.objects[place]).inserted {
        next.append(known.pairs.objects[place])
      }
    }
    return found
  }

  /// A derived predicate holds exactly what follows from its sources.
  mutating func checkDerived(_ known: Subjected) {
    let promise: Promise = known.schema.rule != nil ? .rule : .inverse
    let chain = known.schema.chain
    let steps = chain.compactMap { step in
      predicates.compactMap { $0 }.first { $0.schema.name == step.predicate }
        .map { ChainStep($0, isInverse: step.isInverse) }
    }
    guard steps.count == chain.count else { return }
    let words = promise == .rule ? "the rule" : "'\(known.schema.inverseOf ?? "")'"
    for subject in entityTypeIDs.indices.map({ Int32($0) })
    where isKind(subject, of: known.predicate.subjectType) {
      let expected = Self.ends(of: subject, steps, trainedOnly: false)
      let places = known.pairs.places(of: subject)
      if expected.isEmpty, places.isEmpty { continue }
      let taught = Self.ends(of: subject, steps, trainedOnly: true)
      let found = Set(known.pairs.objects[places])
      for object in expected.subtracting(found).sorted() {
        note(
          promise, Triple(subject: subject, predicate: known.id, object: object),
          "is missing, although \(words) makes it follow")
      }
      for place in places {
        let triple = known.triple(at: place)
        if !expected.contains(triple.object) {
          note(promise, triple, "does not follow by \(words)")
        } else if known.marks[place].isInferable != taught.contains(triple.object) {
          note(.inferable, triple, Self.wrongLabel(known.marks[place]))
        }
      }
    }
  }

  /// One step of a chain with what it can be walked on.
  private struct ChainStep {
    let table: PairTable
    let isTrained: [Bool]

    init(_ source: Subjected, isInverse: Bool) {
      let trained = source.marks.map { $0.heldOut == nil }
      if isInverse {
        let (table, places) = source.pairs.reversed()
        self.table = table
        isTrained = places.map { trained[$0] }
      } else {
        table = source.pairs
        isTrained = trained
      }
    }
  }

  private static func ends(
    of subject: Int32, _ steps: [ChainStep], trainedOnly: Bool
  ) -> Set<Int32> {
    var ends: Set = [subject]
    for step in steps {
      var next: Set<Int32> = []
      for entity in ends {
        for place in step.table.places(of: entity) where !trainedOnly || step.isTrained[place] {
          next.insert(step.table.objects[place])
        }
      }
      ends = next
      if ends.isEmpty { break }
    }
    ends.remove(subject)
    return ends
  }

  private static func wrongLabel(_ mark: TripleMark) -> String {
    mark.isInferable
      ? "is labelled inferable, but does not follow from what is trained on"
      : "follows from what is trained on, but is not labelled inferable"
  }
}
