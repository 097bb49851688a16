import LabCore

/// The triples of a predicate that follows from others: an inverse, or a composed rule.
struct DerivedPredicate {
  private struct Step {
    let table: PredicateTable
    /// The way from object to subject, where the step goes that way.
    let reversed: (starts: [Int], places: [Int], subjects: [Int32])?
    let objects: Range<Int>

    func forEach(
      from entity: Int, _ isStep: (TripleMark) -> Bool, _ body: (Int32) -> Void
    ) {
      if let reversed {
        guard objects.contains(entity) else { return }
        let slot = entity - objects.lowerBound
        for place in reversed.starts[slot]..<reversed.starts[slot + 1]
        where isStep(table.marks[reversed.places[place]]) {
          body(reversed.subjects[place])
        }
      } else {
        for place in table.places(of: entity) where isStep(table.marks[place]) {
          body(table.objects[place])
        }
      }
    }
  }

  private let plan: PredicatePlan
  private let derivation: Derivation
  private let steps: [Step]

  /// `tables` are those of the predicates that it follows from, and `plans` all plans, by name.
  init(
    _ plan: PredicatePlan, plans: [String: PredicatePlan], tables: [String: PredicateTable]
  ) {
    self.plan = plan
    derivation = plan.schema.rule == nil ? .inverse : .rule
    steps = plan.schema.chain.compactMap { step in
      guard let source = plans[step.predicate], let table = tables[step.predicate] else {
        return nil
      }
      return Step(
        table: table, reversed: step.isInverse ? table.reversed(objects: source.objectRange) : nil,
        objects: source.objectRange)
    }
  }

  /// All triples, without marks but their derivation.
  func table() throws -> PredicateTable {
    var table = PredicateTable(subjects: plan.subjects)
    for subject in plan.subjects {
      if subject % 4096 == 0 { try Interruption.check("generating") }
      table.appendSubject(
        ends(of: subject) { _ in true }.map {
          NewTriple(object: $0, bits: 0, derivation: derivation)
        })
    }
    return table
  }

  /// Whether each triple follows from trained ones; those that do not are held out.
  func markInferable(_ table: inout PredicateTable) {
    for subject in plan.subjects {
      let places = table.places(of: subject)
      guard !places.isEmpty else { continue }
      let inferable = Set(ends(of: subject) { $0.heldOut == nil })
      for place in places {
        table.setInferable(inferable.contains(table.objects[place]), at: place)
      }
    }
  }

  /// Where the chain leads from a subject by steps of one kind: no circle back to itself, in order
  /// of id.
  private func ends(of subject: Int, isStep: (TripleMark) -> Bool) -> [Int32] {
    var ends = [Int32(subject)]
    for step in steps {
      var next: [Int32] = []
      for entity in ends { step.forEach(from: Int(entity), isStep) { next.append($0) } }
      if next.count > 1 { next = Set(next).sorted() }
      ends = next
    }
    return ends.filter { $0 != Int32(subject) }
  }
}
