/// One triple on its way into a graph.
struct Fact: Sendable {
  let triple: Triple
  /// Nil where the triple is trained on.
  var heldOut: HeldOutLevel?
  /// Information content; nil where the graph was not generated.
  let bits: Double?
  /// Presentations in one epoch, at least 1.
  var exposures: Int32 = 1
  var derivation: Derivation?
  /// Whether an entailed triple follows from trained ones.
  var isInferable = false
  var noise: Noise?

  /// Whether the triple belongs to the graph's truth.
  var isTrue: Bool { noise?.isFalse != true }
}

/// Something that takes a graph piece by piece: a file, an object in memory, a tally.
///
/// The order is fixed: `begin` once, every entity in order of id, then every fact in order of
/// (subject, predicate, object).
protocol GraphSink {
  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) throws
  mutating func add(_ entity: Entity) throws
  mutating func add(_ fact: Fact) throws
}

/// Passes a graph on to two sinks.
struct SinkPair<First: GraphSink, Second: GraphSink>: GraphSink {
  var first: First
  var second: Second

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) throws {
    try first.begin(entityTypes: entityTypes, predicates: predicates)
    try second.begin(entityTypes: entityTypes, predicates: predicates)
  }

  mutating func add(_ entity: Entity) throws {
    try first.add(entity)
    try second.add(entity)
  }

  mutating func add(_ fact: Fact) throws {
    try first.add(fact)
    try second.add(fact)
  }
}
