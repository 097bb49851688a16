import LabCore

/// Decides what is kept from training, by seeded hashes of names alone.
///
/// A subject or query is held out where its hash is below the share, so that the subjects and queries
/// held out at a small share are among those held out at a larger one, whatever else the graph holds.
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
  /// `subject` and `predicate` are hashes of names; `objects` gives that of each answer's name, and is
  /// asked only where single objects are hidden.
  func levels(
    subject: UInt64, predicate: UInt64, count: Int, object: (Int) -> UInt64
  ) -> [HeldOutLevel?] {
    if isHeldOut(subject: subject) { return Array(repeating: .subject, count: count) }
    let query = NameHash.mix(subject, predicate)
    // A share of all queries falls on those that no subject-level hold-out has taken.
    let share = shares.query / (1 - shares.subject)
    if NameHash.unit(NameHash.mix(queryKey, query)) < share {
      return Array(repeating: .query, count: count)
    }
    var levels = [HeldOutLevel?](repeating: nil, count: count)
    guard count > 1, shares.object > 0 else { return levels }
    let key = NameHash.mix(objectKey, query)
    guard NameHash.unit(key) < shares.object else { return levels }
    // Any number from one to all but one, each as likely as the others; then which ones.
    let hiddenCount = 1 + Int(NameHash.unit(NameHash.mix(key, 1)) * Double(count - 1))
    let order = (0..<count).map { (hash: NameHash.mix(key, object($0)), index: $0) }
      .sorted { ($0.hash, $0.index) < ($1.hash, $1.index) }
    for (_, index) in order.prefix(hiddenCount) { levels[index] = .object }
    return levels
  }

  func isHeldOut(subject: UInt64) -> Bool {
    NameHash.unit(NameHash.mix(subjectKey, subject)) < shares.subject
  }
}
