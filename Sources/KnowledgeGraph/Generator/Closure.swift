import LabCore

/// What symmetry and transitivity add to the drawn triples of a predicate.
struct Closure {
  let plan: PredicatePlan
  private let constraints: Constraints
  /// Triples up to which a transitive closure is followed.
  private static let limit = 50_000_000

  init(_ plan: PredicatePlan) {
    self.plan = plan
    constraints = plan.schema.holding
  }

  /// All triples of the predicate, drawn and entailed, without marks but their derivation.
  ///
  /// Throws `LabError` naming the constraint when a transitive closure grows beyond all measure.
  func table(of draws: DrawBuffer, file: String) throws -> PredicateTable {
    var table = PredicateTable(subjects: plan.subjects)
    let mirrored = constraints.symmetric ? mirror(draws) : nil
    for index in 0..<plan.subjects.count {
      var triples = draws.draws(at: index).map {
        NewTriple(object: draws.objects[$0], bits: draws.bits[$0])
      }
      for object in mirrored?[index] ?? [] {
        triples.append(NewTriple(object: object, bits: 0, derivation: .symmetric))
      }
      table.appendSubject(triples.sorted { $0.object < $1.object })
    }
    return constraints.transitive ? try closed(table, file: file) : table
  }

  /// By place of the subject: who has drawn it.
  private func mirror(_ draws: DrawBuffer) -> [[Int32]] {
    var mirrored = [[Int32]](repeating: [], count: plan.subjects.count)
    for index in 0..<plan.subjects.count {
      let subject = Int32(plan.subjects.lowerBound + index)
      for place in draws.draws(at: index) {
        mirrored[Int(draws.objects[place]) - plan.subjects.lowerBound].append(subject)
      }
    }
    return mirrored
  }

  private func closed(_ table: PredicateTable, file: String) throws -> PredicateTable {
    var closed = PredicateTable(subjects: table.subjects)
    var search = Reachability(table)
    for (index, subject) in table.subjects.enumerated() {
      var triples = table.places(of: subject).map {
        NewTriple(
          object: table.objects[$0], bits: table.bits[$0], derivation: table.marks[$0].derivation)
      }
      let direct = Set(triples.map(\.object))
      for object in search.reached(from: subject) where !direct.contains(object) {
        triples.append(NewTriple(object: object, bits: 0, derivation: .transitive))
      }
      closed.appendSubject(triples.sorted { $0.object < $1.object })
      try Interruption.check("generating")
      guard closed.objects.count <= Self.limit else {
        throw LabError(
          "\(file): predicates.\(plan.schema.name).transitive: what follows from the triples of the "
            + "first \(index + 1) of \(table.subjects.count) subjects is more than \(Self.limit) triples; "
            + "lower objects or coverage, or make it acyclic")
      }
    }
    return closed
  }

  /// Whether each entailed triple follows from trained ones, and what is held out after that.
  func markInferable(_ table: inout PredicateTable) {
    if constraints.symmetric {
      for subject in table.subjects {
        for place in table.places(of: subject) where table.marks[place].derivation == .symmetric {
          let object = Int(table.objects[place])
          let base = table.places(of: object).first { table.objects[$0] == Int32(subject) }
          let isTrained = base.map { table.marks[$0].heldOut == nil } ?? false
          table.setInferable(isTrained, at: place)
        }
      }
    }
    if constraints.transitive {
      var search = Reachability(table) { $0.heldOut == nil && $0.derivation != .transitive }
      for subject in table.subjects {
        let reached = Set(search.reached(from: subject))
        for place in table.places(of: subject) where table.marks[place].derivation == .transitive {
          table.setInferable(reached.contains(table.objects[place]), at: place)
        }
      }
    }
  }
}

/// Which entities can be reached from one by chains of triples.
struct Reachability {
  private let table: PredicateTable
  private let isStep: (TripleMark) -> Bool
  /// By entity: the last search that has seen it.
  private var seen: [Int32]
  private var search: Int32 = 0

  init(_ table: PredicateTable, isStep: @escaping (TripleMark) -> Bool = { _ in true }) {
    self.table = table
    self.isStep = isStep
    seen = Array(repeating: 0, count: table.subjects.count)
  }

  /// Everything but the subject itself, in no particular order.
  mutating func reached(from subject: Int) -> [Int32] {
    search += 1
    let first = table.subjects.lowerBound
    seen[subject - first] = search
    var found: [Int32] = []
    var next = 0
    var current = subject
    while true {
      for place in table.places(of: current) where isStep(table.marks[place]) {
        let object = table.objects[place]
        guard seen[Int(object) - first] != search else { continue }
        seen[Int(object) - first] = search
        found.append(object)
      }
      guard next < found.count else { return found }
      current = Int(found[next])
      next += 1
    }
  }
}
