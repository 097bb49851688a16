/// The entity types of a graph: as it states them, or guessed from who is subject and object of
/// what.
struct TypeGuess {
  /// A type of the schema to be.
  struct FittedType {
    var name: String
    /// Entity ids in order; of a stated type without those of its kinds.
    var entities: [Int32]
    var parent: String?
    /// Entities of the type and its kinds.
    var extent: Int
  }

  private(set) var types: [FittedType] = []
  /// Places in `types`, by predicate.
  private(set) var subjectTypes: [Int] = []
  private(set) var objectTypes: [Int] = []
  let isStated: Bool

  /// The side of a predicate on which an entity stands.
  private struct Slot {
    let predicate: Int
    let isObject: Bool
    let entities: Set<Int32>
  }

  /// Sides of predicates that go together, and who stands there.
  private struct Cluster {
    var slots: [Int]
    var entities: Set<Int32>
  }

  /// Types up to which sides with less in common stay apart.
  private static let largestCount = 40

  /// `overlap` is the share of the smaller of two sides' entities from which on they are of one
  /// type.
  init(_ source: SourceTriples, overlap: Double) {
    isStated = source.predicates.allSatisfy { $0.subjectType != nil && $0.objectType != nil }
    if isStated { useStated(source) } else { guess(source, overlap: overlap) }
  }

  // MARK: Stated types

  private mutating func useStated(_ source: SourceTriples) {
    var members: [[Int32]] = Array(repeating: [], count: source.entityTypes.count)
    for (id, type) in source.types.enumerated() { members[Int(type)].append(Int32(id)) }
    let kinds = TypeKinds(source.entityTypes)
    var places: [Int: Int] = [:]
    for (index, type) in source.entityTypes.enumerated() {
      let extent = kinds.all(of: Int32(index)).reduce(0) { $0 + members[Int($1)].count }
      guard extent > 0 else { continue }
      places[index] = types.count
      types.append(
        FittedType(
          name: type.name, entities: members[index],
          parent: type.parent.map { source.entityTypes[Int($0)].name }, extent: extent))
    }
    subjectTypes = source.predicates.map { places[Int($0.subjectType ?? 0)] ?? 0 }
    objectTypes = source.predicates.map { places[Int($0.objectType ?? 0)] ?? 0 }
  }

  // MARK: Guessed types

  private mutating func guess(_ source: SourceTriples, overlap: Double) {
    var slots: [Slot] = []
    for predicate in source.predicates.indices {
      let pairs = source.pairs[predicate]
      slots.append(Slot(predicate: predicate, isObject: false, entities: Set(pairs.subjects)))
      slots.append(Slot(predicate: predicate, isObject: true, entities: Set(pairs.objects)))
    }
    var clusters = slots.enumerated().map {
      Cluster(slots: [$0.offset], entities: $0.element.entities)
    }
    while Self.merge(&clusters, overlap: overlap) {}
    // Still more than can be read: whatever has anything in common goes together.
    while clusters.count > Self.largestCount,
      Self.merge(&clusters, overlap: 0, to: Self.largestCount)
    {}
    clusters.sort {
      ($1.entities.count, $0.slots.min() ?? 0) < ($0.entities.count, $1.slots.min() ?? 0)
    }
    subjectTypes = Array(repeating: 0, count: source.predicates.count)
    objectTypes = subjectTypes
    var names: Set<String> = []
    for (index, cluster) in clusters.enumerated() {
      for slot in cluster.slots {
        if slots[slot].isObject {
          objectTypes[slots[slot].predicate] = index
        } else {
          subjectTypes[slots[slot].predicate] = index
        }
      }
      var name = Self.name(of: cluster, slots, source)
      var number = 2
      while !names.insert(name).inserted {
        name = "\(Self.name(of: cluster, slots, source)) \(number)"
        number += 1
      }
      types.append(
        FittedType(
          name: name, entities: cluster.entities.sorted(), parent: nil,
          extent: cluster.entities.count))
    }
  }

  /// Merges pairs of clusters, those that have most in common first; false where none have enough.
  private static func merge(
    _ clusters: inout [Cluster], overlap: Double, to smallest: Int = 0
  ) -> Bool {
    var memberships: [Int32: [Int]] = [:]
    for (index, cluster) in clusters.enumerated() {
      for entity in cluster.entities { memberships[entity, default: []].append(index) }
    }
    var common: [[Int]: Int] = [:]
    for places in memberships.values where places.count > 1 {
      for (position, first) in places.enumerated() {
        for second in places[(position + 1)...] { common[[first, second], default: 0] += 1 }
      }
    }
    let candidates = common.map { pair, count in
      let smaller = min(clusters[pair[0]].entities.count, clusters[pair[1]].entities.count)
      return (first: pair[0], second: pair[1], share: Double(count) / Double(smaller), count: count)
    }.filter { $0.share >= overlap }.sorted {
      ($1.share, $1.count, $0.first, $0.second) < ($0.share, $0.count, $1.first, $1.second)
    }
    var touched: Set<Int> = []
    var gone: Set<Int> = []
    for candidate in candidates where clusters.count - gone.count > smallest {
      guard !touched.contains(candidate.first), !touched.contains(candidate.second) else {
        continue
      }
      touched.formUnion([candidate.first, candidate.second])
      clusters[candidate.first].slots += clusters[candidate.second].slots
      clusters[candidate.first].entities.formUnion(clusters[candidate.second].entities)
      gone.insert(candidate.second)
    }
    clusters = clusters.indices.filter { !gone.contains($0) }.map { clusters[$0] }
    return !gone.isEmpty
  }

  /// After the shortest predicate whose objects are a good part of the type; "entity" where there
  /// is none.
  private static func name(
    of cluster: Cluster, _ slots: [Slot], _ source: SourceTriples
  ) -> String {
    let named = cluster.slots.filter {
      slots[$0].isObject && slots[$0].entities.count * 10 >= cluster.entities.count * 3
    }.map { plain(source.predicates[slots[$0].predicate].name) }
    return named.filter { !$0.isEmpty }.min { ($0.count, $0) < ($1.count, $1) } ?? "entity"
  }

  /// A name without what would be hard to type: the end of an address, and no control characters.
  private static func plain(_ name: String) -> String {
    let last = name.split { $0 == "/" || $0 == "#" }.last.map { String($0) } ?? name
    return String(last.unicodeScalars.filter { $0.value >= 0x20 && $0 != "." })
  }
}
