/// What the held-out triples of a graph ask that training never shows, and what it gives away.
package struct SplitAudit: Encodable, Hashable, Sendable {
  /// Two relations that say the same, or the same the other way round; a symmetric one stands
  /// beside itself.
  package struct RelationPair: Encodable, Hashable, Sendable {
    package let first: String
    package let second: String
    package let isInverse: Bool
    /// Share of the larger relation's triples that the other has too, in [`leastOverlap`, 1].
    package let overlap: Double
  }

  /// From this overlap on two relations count as duplicates or inverses (arXiv 2003.08001 has the
  /// same).
  package static let leastOverlap = 0.8

  package let heldOutCount: Int
  /// Entities and predicates of held-out triples that no statement of training names.
  package let unseenEntityCount: Int
  package let unseenPredicateCount: Int
  /// Held-out triples with such a name.
  package let unseenTripleCount: Int
  /// Held-out triples whose subject and object a duplicate or inverse of the relation joins in
  /// training.
  package let inferableCount: Int
  /// In order of overlap, largest first.
  package let relationPairs: [RelationPair]
}

/// Gathers the true triples of a graph for a `SplitAudit`, 16 bytes each.
struct SplitAuditor: GraphSink {
  /// A triple under its two entities, the smaller id first.
  private struct Edge {
    let pair: UInt64
    let predicate: Int32
    let isReversed: Bool
    let isHeldOut: Bool

    func kind(_ other: Edge) -> PairKind {
      PairKind(
        first: min(predicate, other.predicate), second: max(predicate, other.predicate),
        isInverse: isReversed != other.isReversed)
    }
  }

  private struct PairKind: Hashable {
    let first: Int32
    let second: Int32
    let isInverse: Bool
  }

  /// Edges between the same two entities that are compared with each other; beyond, the rest is
  /// left out.
  private static let largestGroup = 512

  private var names: [String] = []
  private var edges: [Edge] = []
  private var isSeen: [Bool] = []
  private var isSeenPredicate: [Bool] = []

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) {
    names = predicates.map(\.name)
    isSeenPredicate = Array(repeating: false, count: predicates.count)
  }

  mutating func add(_ entity: Entity) { isSeen.append(false) }

  mutating func add(_ fact: Fact) {
    let triple = fact.triple
    if fact.heldOut == nil {
      isSeen[Int(triple.subject)] = true
      isSeen[Int(triple.object)] = true
      isSeenPredicate[Int(triple.predicate)] = true
    }
    guard fact.isTrue else { return }
    let (low, high) = (min(triple.subject, triple.object), max(triple.subject, triple.object))
    edges.append(
      Edge(
        pair: UInt64(UInt32(bitPattern: low)) << 32 | UInt64(UInt32(bitPattern: high)),
        predicate: triple.predicate, isReversed: triple.subject > triple.object,
        isHeldOut: fact.heldOut != nil))
  }

  /// The audit, which takes the triples; nil where nothing is held out.
  mutating func finish() -> SplitAudit? {
    defer { edges = [] }
    guard edges.contains(where: \.isHeldOut) else { return nil }
    edges.sort { $0.pair < $1.pair }
    let overlaps = self.overlaps()
    let kinds = Set(overlaps.map(\.kind))
    var counts = (heldOut: 0, unseen: 0, inferable: 0)
    var unseenEntities: Set<Int32> = []
    var unseenPredicates: Set<Int32> = []
    for group in edges.runs(by: \.pair) {
      for edge in group where edge.isHeldOut {
        let unseen = [
          Int32(truncatingIfNeeded: edge.pair >> 32), Int32(truncatingIfNeeded: edge.pair),
        ]
        .filter { !isSeen[Int($0)] }
        unseenEntities.formUnion(unseen)
        if !isSeenPredicate[Int(edge.predicate)] { unseenPredicates.insert(edge.predicate) }
        counts.heldOut += 1
        counts.unseen += unseen.isEmpty && isSeenPredicate[Int(edge.predicate)] ? 0 : 1
        guard !kinds.isEmpty, group.count > 1 else { continue }
        let isGiven = group.prefix(Self.largestGroup).contains {
          !$0.isHeldOut && kinds.contains(edge.kind($0))
        }
        counts.inferable += isGiven ? 1 : 0
      }
    }
    return SplitAudit(
      heldOutCount: counts.heldOut, unseenEntityCount: unseenEntities.count,
      unseenPredicateCount: unseenPredicates.count, unseenTripleCount: counts.unseen,
      inferableCount: counts.inferable,
      relationPairs: overlaps.map { kind, overlap in
        SplitAudit.RelationPair(
          first: names[Int(kind.first)], second: names[Int(kind.second)],
          isInverse: kind.isInverse, overlap: overlap)
      })
  }

  /// Kinds of pairs of relations with enough in common, largest overlap first.
  private func overlaps() -> [(kind: PairKind, overlap: Double)] {
    var totals = [Int](repeating: 0, count: names.count)
    for edge in edges { totals[Int(edge.predicate)] += 1 }
    var common: [PairKind: Int] = [:]
    for group in edges.runs(by: \.pair) where group.count > 1 {
      let compared = group.prefix(Self.largestGroup)
      for (place, edge) in compared.enumerated() {
        for other in compared.dropFirst(place + 1) {
          // A relation's mirror image takes two of its triples.
          common[edge.kind(other), default: 0] += edge.predicate == other.predicate ? 2 : 1
        }
      }
    }
    return common.map { kind, count in
      (kind, Double(count) / Double(max(totals[Int(kind.first)], totals[Int(kind.second)])))
    }.filter { $0.overlap >= SplitAudit.leastOverlap }.sorted {
      ($1.overlap, $0.kind.first, $0.kind.second) < ($0.overlap, $1.kind.first, $1.kind.second)
    }
  }
}
