import LabCore

/// What a graph's schema promises about its triples, and whether they keep it.
///
/// Looks at the triples alone, not at how they were made. Triples are held only of predicates whose
/// promises span several queries.
struct ConstraintChecks {
  /// A kind of promise; the raw value names the check.
  enum Promise: String, CaseIterable {
    case functional
    case inverseFunctional = "inverse functional"
    case symmetric
    case acyclic
    case transitive
    case inverse = "inverses"
    case rule = "rules"
    case inferable = "inferable"
    case falsehood = "false statements"
    case exposures
  }

  /// How often a promise is broken, and the first triple that breaks it.
  struct Breach {
    var count = 0
    let triple: Triple
    /// What is wrong with it; "%" stands for the name of `other`.
    let problem: String
    let other: Int32?
  }

  /// A predicate with promises, and what is held of it.
  struct Subjected {
    let id: Int32
    let schema: PredicateSchema
    let predicate: Predicate
    let isHeld: Bool
    var pairs = PairTable()
    var marks: [TripleMark] = []

    func triple(at place: Int) -> Triple {
      Triple(subject: pairs.subjects[place], predicate: id, object: pairs.objects[place])
    }
  }

  let schema: GraphSchema
  private let kinds: TypeKinds
  /// By predicate id; nil where the schema does not know the predicate.
  private(set) var predicates: [Subjected?]
  private(set) var entityTypeIDs: [Int32] = []
  private(set) var breaches: [Promise: Breach] = [:]
  private var query: (subject: Int32, predicate: Int32)?
  private var facts: [Fact] = []

  init(_ schema: GraphSchema, entityTypes: [EntityType], predicates: [Predicate]) {
    self.schema = schema
    kinds = TypeKinds(entityTypes)
    let sources = Set(schema.predicates.flatMap { $0.isDerived ? $0.sources : [] })
    self.predicates = predicates.enumerated().map { id, predicate in
      guard let found = schema.predicates.first(where: { $0.name == predicate.name }) else {
        return nil
      }
      let spans = found.holding.keys.contains { $0 != "functional" }
      return Subjected(
        id: Int32(id), schema: found, predicate: predicate,
        isHeld: found.isDerived || sources.contains(found.name) || spans)
    }
  }

  mutating func add(_ entity: Entity) { entityTypeIDs.append(entity.type) }

  mutating func add(_ fact: Fact) {
    if query?.subject != fact.triple.subject || query?.predicate != fact.triple.predicate {
      endQuery()
      query = (fact.triple.subject, fact.triple.predicate)
    }
    facts.append(fact)
    guard fact.isTrue, let known = predicates[Int(fact.triple.predicate)], known.isHeld else {
      return
    }
    let place = Int(fact.triple.predicate)
    predicates[place]?.pairs.append(subject: fact.triple.subject, object: fact.triple.object)
    predicates[place]?.marks.append(
      TripleMark(
        heldOut: fact.heldOut, derivation: fact.derivation, isInferable: fact.isInferable))
  }

  /// Notes that a triple breaks a promise.
  mutating func note(
    _ promise: Promise, _ triple: Triple, _ problem: String, other: Int32? = nil
  ) {
    if breaches[promise] == nil {
      breaches[promise] = Breach(triple: triple, problem: problem, other: other)
    }
    breaches[promise]?.count += 1
  }

  /// Whether an entity is of a type or of a kind of it.
  func isKind(_ entity: Int32, of wanted: Int32?) -> Bool {
    kinds.isKind(entityTypeIDs[Int(entity)], of: wanted)
  }

  // MARK: Promises about one query

  private mutating func endQuery() {
    defer { facts.removeAll(keepingCapacity: true) }
    guard let first = facts.first, let known = predicates[Int(first.triple.predicate)] else {
      return
    }
    let truths = facts.filter(\.isTrue)
    if known.schema.holding.functional, truths.count > 1 {
      note(
        .functional, truths[1].triple, "stands beside the object '%' of the same subject",
        other: truths[0].triple.object)
    }
    let isTaught = truths.contains { $0.heldOut == nil }
    let noise = known.schema.noise ?? schema.noise
    for fact in facts {
      checkNoise(fact, noise, isTaught: isTaught)
      checkExposures(fact, known.schema.exposures ?? schema.exposures)
      if fact.isTrue { checkLabel(fact, known.schema) }
    }
  }

  private mutating func checkNoise(_ fact: Fact, _ shares: NoiseShares?, isTaught: Bool) {
    guard let noise = fact.noise else { return }
    let label = noise.rawValue
    if (shares ?? NoiseShares())[noise] == 0 {
      note(.falsehood, fact.triple, "is \(label), which the schema does not ask for")
    } else if fact.heldOut != nil {
      note(.falsehood, fact.triple, "is \(label), but is not trained on")
    } else if !fact.isTrue, !isTaught {
      note(.falsehood, fact.triple, "is \(label), but no true answer is trained on beside it")
    } else if !fact.isTrue, fact.derivation != nil {
      note(.falsehood, fact.triple, "is \(label), but is also said to follow from the truth")
    }
  }

  private mutating func checkExposures(_ fact: Fact, _ model: ExposureModel?) {
    let range: ClosedRange<Int>
    switch model ?? .constant(1) {
    case .constant(let count): range = count...count
    case .range(let low, let high): range = max(1, low)...max(1, low, high)
    case .zipf(_, let high), .pareto(_, let high): range = 1...max(1, high)
    }
    let factor = fact.noise == .duplicate ? 2 : 1
    let count = Int(fact.exposures)
    if count % factor != 0 || !range.contains(count / factor) {
      let words =
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      note(
        .exposures, fact.triple,
        "has \(count) exposures, where the schema gives \(words)\(factor == 2 ? ", twice" : "")")
    }
  }

  /// What follows from other triples says so, and what is trained on of it could be inferred.
  private mutating func checkLabel(_ fact: Fact, _ predicate: PredicateSchema) {
    let promise: Promise = predicate.rule != nil ? .rule : .inverse
    if predicate.isDerived {
      let expected: Derivation = predicate.rule != nil ? .rule : .inverse
      if fact.derivation != expected {
        note(promise, fact.triple, "is not labelled as entailed")
      }
    } else if fact.derivation == .symmetric && !predicate.holding.symmetric
      || fact.derivation == .transitive && !predicate.holding.transitive
      || fact.derivation == .rule || fact.derivation == .inverse
    {
      note(
        .inferable, fact.triple,
        "is labelled entailed (\(fact.derivation?.rawValue ?? "")), which its predicate is not")
    }
    if fact.derivation != nil, fact.heldOut == nil, !fact.isInferable {
      note(.inferable, fact.triple, "is trained on, but does not follow from what is trained on")
    }
  }

  // MARK: The end

  /// Ends the last query; to be called once, after all facts.
  mutating func finish() {
    endQuery()
    for predicate in predicates.compactMap({ $0 }) where predicate.isHeld {
      checkConstraints(predicate)
      if predicate.schema.isDerived { checkDerived(predicate) }
    }
  }

  /// The promises that the schema makes.
  var promises: [Promise] {
    let all = schema.predicates.map(\.holding)
    let noise = [schema.noise] + schema.predicates.map(\.noise)
    return Promise.allCases.filter { promise in
      if breaches[promise] != nil { return true }
      switch promise {
      case .functional: return all.contains(where: \.functional)
      case .inverseFunctional: return all.contains(where: \.inverseFunctional)
      case .symmetric: return all.contains(where: \.symmetric)
      case .acyclic: return all.contains(where: \.acyclic)
      case .transitive: return all.contains(where: \.transitive)
      case .inverse: return schema.predicates.contains { $0.inverseOf != nil }
      case .rule: return schema.predicates.contains { $0.rule != nil }
      case .inferable: return schema.predicates.contains(where: \.hasEntailedTriples)
      case .falsehood: return noise.contains { $0 != nil }
      case .exposures: return true
      }
    }
  }
}
