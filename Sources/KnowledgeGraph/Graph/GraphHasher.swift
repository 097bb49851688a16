import LabCore

/// The content hash of a graph: its types, names, triples and which of them are trained on.
///
/// Ids enter in the graph's own order, bits and held-out levels do not.
struct GraphHasher: GraphSink {
  private var hasher = ContentHasher()

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) {
    hasher.combine("kglab graph 1")
    hasher.combine(Int32(entityTypes.count))
    for type in entityTypes { hasher.combine(type.name) }
    hasher.combine(Int32(predicates.count))
    for predicate in predicates {
      hasher.combine(predicate.name)
      hasher.combine(predicate.subjectType ?? -1)
      hasher.combine(predicate.objectType ?? -1)
    }
  }

  mutating func add(_ entity: Entity) {
    hasher.combine(entity.type)
    hasher.combine(entity.name)
  }

  mutating func add(_ fact: Fact) {
    hasher.combine(fact.triple.subject)
    hasher.combine(fact.triple.predicate)
    hasher.combine(fact.triple.object)
    hasher.combine(fact.heldOut == nil ? 1 : 0)
  }

  mutating func finalize() -> String { hasher.finalize().hex }
}
