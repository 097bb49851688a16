import LabCore

/// Decides what is kept from training, by seeded hashes of names alone.
///
/// A subject or query is held out where its hash is below the share, so that the subjects and
/// queries held out at a small share are among those held out at a larger one, whatever else the
/// graph holds.
struct HoldOut: Sendable {
  private let shares: HeldOutShares
  private let subjectKey: UInt64
  private let queryKey: UInt64
  private let objectKey: UInt64

  init(_ shares: HeldOutShares, seed: Seed) {
    self.shares = shares
    subjectKey = seed.derived("graph/held_out/subject").value
    queryKey = seed.derived("graph/held_out/query").value
    objectKey = seed.derived("graph/held_out/object").value
  }

  /// The level of every triple of a query: nil where it is trained on.
  ///
  /// `subject` and `predicate` are hashes of names; `own` are the predicate's own shares, if it has
  /// any; `objects` gives the hash of each answer's name, and is asked only where single objects
  /// are hidden.
  func levels(
    subject: UInt64, predicate: UInt64, count: Int, own: HeldOutShares? = nil,
    object: (Int) -> UInt64
  ) -> [HeldOutLevel?] {
    let query = NameHash.mix(subject, predicate)
    if let level = level(subject: subject, query: query, own: own) {
      return Array(repeating: level, count: count)
    }
    var levels = [HeldOutLevel?](repeating: nil, count: count)
    for index in hidden(query: query, count: count, own: own, object: object) {
      levels[index] = .object
    }
    return levels
  }

  /// The level at which a whole query is hidden, or nil; `query` is the hash of both names.
  func level(subject: UInt64, query: UInt64, own: HeldOutShares?) -> HeldOutLevel? {
    if isHeldOut(subject: subject) { return .subject }
    // A share of all queries falls on those that no subject-level hold-out has taken.
    let share = own?.query ?? shares.query / (1 - shares.subject)
    return NameHash.unit(NameHash.mix(queryKey, query)) < share ? .query : nil
  }

  /// Which answers of a query that is not hidden as a whole are.
  func hidden(
    query: UInt64, count: Int, own: HeldOutShares?, object: (Int) -> UInt64
  ) -> [Int] {
    let share = own?.object ?? shares.object
    guard count > 1, share > 0 else { return [] }
    let key = NameHash.mix(objectKey, query)
    guard NameHash.unit(key) < share else { return [] }
    // Any number from one to all but one, each as likely as the others; then which ones.
    let hiddenCount = 1 + Int(NameHash.unit(NameHash.mix(key, 1)) * Double(count - 1))
    let order = (0..<count).map { (hash: NameHash.mix(key, object($0)), index: $0) }
      .sorted { ($0.hash, $0.index) < ($1.hash, $1.index) }
    return order.prefix(hiddenCount).map(\.index)
  }

  func isHeldOut(subject: UInt64) -> Bool {
    NameHash.unit(NameHash.mix(subjectKey, subject)) < shares.subject
  }
}
