package import KnowledgeGraph
package import LabCore

/// What examples are used for: fitting a detector, choosing its settings, or measuring it.
package enum SplitPart: String, Codable, CaseIterable, Sendable {
  case train
  case validation
  case test
}

/// Every subject in exactly one of train, validation and test.
///
/// Split all subjects of a graph once, not the subjects that happen to have completions: then every
/// language model on the graph shares one split, and a detector trained on one model can be tested
/// on another without having seen its subjects.
package struct SubjectSplit: Equatable, Sendable {
  /// Subjects in rising order of id.
  package let subjects: [SplitPart: [Int32]]
  private let parts: [Int32: SplitPart]

  /// Shares of the subjects that train, validation and test get.
  private static let shares = [0.6, 0.2, 0.2]

  /// How many of `count` subjects each part gets: largest remainders, the earlier part on a tie.
  private static func sizes(of count: Int) throws(DetectionError) -> [SplitPart: Int] {
    let exact = shares.map { Double(count) * $0 }
    var sizes = exact.map { Int($0.rounded(.down)) }
    // Rounding to 1e-9 keeps shares such as 0.6 from winning a tie by their last bit.
    let remainders = exact.map { ($0 - $0.rounded(.down)).rounded(toPlaces: 1e-9) }
    let byRemainder = exact.indices.sorted { (-remainders[$0], $0) < (-remainders[$1], $1) }
    for index in byRemainder.prefix(count - sizes.reduce(0, +)) { sizes[index] += 1 }
    let parts = zip(SplitPart.allCases, sizes)
    if let empty = parts.first(where: { $0.1 == 0 }) {
      throw .tooFewSubjects(count: count, emptyPart: empty.0)
    }
    return Dictionary(uniqueKeysWithValues: parts)
  }

  /// Splits the distinct ids among `subjects`; their order and number of occurrences do not matter.
  ///
  /// A pure function of the set of ids and the seed. Throws `DetectionError.tooFewSubjects` where a
  /// part would be empty.
  package init(of subjects: some Sequence<Int32>, seed: Seed) throws(DetectionError) {
    var shuffled = Set(subjects).sorted()
    let sizes = try Self.sizes(of: shuffled.count)
    var stream = seed.stream("detection/split")
    stream.shuffle(&shuffled)
    var bySplit: [SplitPart: [Int32]] = [:]
    var parts: [Int32: SplitPart] = [:]
    var rest = shuffled[...]
    for part in SplitPart.allCases {
      let own = rest.prefix(sizes[part] ?? 0)
      rest = rest.dropFirst(own.count)
      bySplit[part] = own.sorted()
      for subject in own { parts[subject] = part }
    }
    self.subjects = bySplit
    self.parts = parts
  }

  /// Splits all subjects of a graph; those that share a name stay together, since their questions
  /// read the same.
  ///
  /// Throws `DetectionError.tooFewSubjects` where a part would be empty.
  package init(of graph: KnowledgeGraph, seed: Seed) throws(DetectionError) {
    let ids = Set(graph.queries.map(\.subject)).sorted()
    var firsts: [[UInt8]: Int32] = [:]
    let first = ids.map { id -> Int32 in
      let name = Array(graph.entities[Int(id)].name.utf8)
      if let known = firsts[name] { return known }
      firsts[name] = id
      return id
    }
    let split = try SubjectSplit(of: first, seed: seed)
    var bySplit: [SplitPart: [Int32]] = [:]
    var parts: [Int32: SplitPart] = [:]
    for (id, first) in zip(ids, first) {
      guard let part = split.part(of: first) else { continue }
      parts[id] = part
      bySplit[part, default: []].append(id)
    }
    subjects = bySplit
    self.parts = parts
  }

  /// The part a subject is in; nil for a subject that was not split.
  package func part(of subject: Int32) -> SplitPart? { parts[subject] }

  /// Indices of the examples of each part, in rising order, given the subject of every example.
  ///
  /// Throws `DetectionError.subjectNotSplit` for an example whose subject was not split.
  package func indices(
    ofSubjects subjects: [Int32]
  ) throws(DetectionError) -> [SplitPart: [Int]] {
    var indices = Dictionary(uniqueKeysWithValues: SplitPart.allCases.map { ($0, [Int]()) })
    for (index, subject) in subjects.enumerated() {
      guard let part = parts[subject] else {
        throw .subjectNotSplit(subject: subject, index: index)
      }
      indices[part, default: []].append(index)
    }
    return indices
  }

  /// Checks that no subject occurs in two parts, given the subjects of the examples of each.
  ///
  /// Throws `DetectionError.subjectLeaks`, naming the lowest shared id of the first such pair.
  package static func checkDisjoint(
    _ subjects: [SplitPart: [Int32]]
  ) throws(DetectionError) {
    let parts = SplitPart.allCases
    let sets = parts.map { Set(subjects[$0] ?? []) }
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
      let shared = sets[first].intersection(sets[second])
      guard let lowest = shared.min() else { continue }
      throw .subjectLeaks(
        subject: lowest, first: parts[first], second: parts[second], sharedCount: shared.count)
    }
  }
}

extension Double {
  fileprivate func rounded(toPlaces unit: Double) -> Double { (self / unit).rounded() * unit }
}
