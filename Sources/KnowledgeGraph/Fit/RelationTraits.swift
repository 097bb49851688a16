import Foundation

/// What holds for every triple of a predicate.
struct RelationTraits {
  private(set) var constraints = Constraints()
  /// Objects that have several subjects, where `inverseFunctional` holds but for these.
  private(set) var sharedObjects = 0

  /// Share of the objects that may have several subjects in what counts as inverse functional.
  private static let exceptions = 0.05
  /// Chance at which what holds is no trait: objects drawn at random would show it as well.
  private static let chance = 0.05

  /// `isLoop` says that subjects and objects are of one type; `objectCount` is the size of the
  /// objects' type.
  init(
    _ pairs: PairTable, isLoop: Bool, subjectCount: Int, objectCount: Int, minimumTriples: Int
  ) {
    guard pairs.count >= minimumTriples else { return }
    let count = Double(pairs.count)
    constraints.functional = pairs.subjects.indices.dropFirst().allSatisfy {
      pairs.subjects[$0] != pairs.subjects[$0 - 1]
    }
    if isLoop {
      constraints.symmetric = pairs.subjects.indices.allSatisfy {
        pairs.contains(subject: pairs.objects[$0], object: pairs.subjects[$0])
      }
    }
    if isLoop, !constraints.symmetric {
      // A random graph with a mean of d < 1 objects an entity has no circle with probability (1 -
      // d) e^d.
      let mean = count / Double(max(1, subjectCount))
      let byChance = mean < 1 ? (1 - mean) * exp(mean) : 0
      constraints.acyclic = byChance < Self.chance && pairs.pairOnACircle() == nil
      constraints.transitive =
        constraints.acyclic && Self.isClosed(pairs, minimumChains: minimumTriples)
    }
    let tally = pairs.objects.tally()
    let shared = tally.values.count { $0 > 1 }
    let byChance = exp(-count * (count - 1) / 2 / Double(max(1, objectCount)))
    if Double(shared) <= Self.exceptions * Double(tally.count), byChance < Self.chance,
      !constraints.transitive, !constraints.acyclic,
      !constraints.symmetric || constraints.functional
    {
      constraints.inverseFunctional = true
      sharedObjects = shared
    }
    if constraints.transitive { constraints.functional = false }
  }

  /// Whether each chain of two is closed, and there are enough of them to tell.
  private static func isClosed(_ pairs: PairTable, minimumChains: Int) -> Bool {
    var chains = 0
    for place in 0..<pairs.count {
      for object in pairs.objects(of: pairs.objects[place]) {
        guard pairs.contains(subject: pairs.subjects[place], object: object) else { return false }
        chains += 1
      }
    }
    return chains >= minimumChains
  }

  /// The pairs that no chain of others explains: what to draw so that its closure is the predicate.
  static func withoutClosure(_ pairs: PairTable) -> PairTable {
    var rest = PairTable()
    for place in 0..<pairs.count {
      let (subject, object) = (pairs.subjects[place], pairs.objects[place])
      let isExplained = pairs.objects(of: subject).contains {
        $0 != object && pairs.contains(subject: $0, object: object)
      }
      if !isExplained { rest.append(subject: subject, object: object) }
    }
    return rest
  }
}
