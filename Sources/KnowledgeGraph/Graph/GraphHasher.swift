import LabCore

/// The content hash of a graph: its types, names, triples and which of them are trained on.
///
/// Ids enter in the graph's own order; bits, held-out levels and derivations do not. What layout 1
/// of the graph file could not hold (type parents, templates, exposures, noise) enters only where a
/// graph has it, so that older graphs keep their hash.
struct GraphHasher: GraphSink {
  /// The hash's version, as graph files name it: the first, which files without a number have, left
  /// out which types are kinds of which.
  static let version = 2

  private var hasher = ContentHasher()
  private let coversParents: Bool

  init(version: Int = GraphHasher.version) { coversParents = version >= 2 }

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) {
    hasher.combine("kglab graph 1")
    hasher.combine(Int32(entityTypes.count))
    for type in entityTypes { hasher.combine(type.name) }
    if coversParents, entityTypes.contains(where: { $0.parent != nil }) {
      hasher.combine("parents")
      for type in entityTypes { hasher.combine(type.parent ?? -1) }
    }
    hasher.combine(Int32(predicates.count))
    for predicate in predicates {
      hasher.combine(predicate.name)
      hasher.combine(predicate.subjectType ?? -1)
      hasher.combine(predicate.objectType ?? -1)
      for template in predicate.templates { hasher.combine(template) }
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
    let noise: Int32 =
      switch fact.noise {
      case nil: 0
      case .contradictory: 2
      case .stale: 4
      case .duplicate: 6
      }
    hasher.combine((fact.heldOut == nil ? 1 : 0) + noise)
    if fact.exposures != 1 { hasher.combine(-fact.exposures) }
  }

  mutating func finalize() -> String { hasher.finalize().hex }
}
