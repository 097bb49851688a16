import LabCore

/// Decides which statements are false, repeated or stale: by hashes of names, under the seed.
struct FalsehoodMaker: Sendable {
  private let shares: NoiseShares
  private let contradictoryKey: UInt64
  private let staleKey: UInt64
  private let duplicateKey: UInt64
  private let seed: Seed

  init(_ shares: NoiseShares, seed: Seed) {
    self.shares = shares
    self.seed = seed
    contradictoryKey = seed.derived("graph/noise/contradictory").value
    staleKey = seed.derived("graph/noise/stale").value
    duplicateKey = seed.derived("graph/noise/duplicate").value
  }

  func isDuplicate(query: UInt64, object: UInt64) -> Bool {
    shares.duplicate > 0
      && NameHash.unit(NameHash.mix(duplicateKey, NameHash.mix(query, object))) < shares.duplicate
  }

  /// False objects for a query with a visible answer, with their bits; `truth` are its answers'
  /// entity ids.
  func falsehoods(
    query: UInt64, subject: Int, truth: some Sequence<Int32>, plan: PredicatePlan
  ) -> [(object: Int32, bits: Double, noise: Noise)] {
    let kinds: [(Noise, UInt64, Double)] = [
      (.contradictory, contradictoryKey, shares.contradictory), (.stale, staleKey, shares.stale),
    ]
    let first = Int32(plan.objectRange.lowerBound)
    var excluded: [Int32]?
    var found: [(object: Int32, bits: Double, noise: Noise)] = []
    for (noise, key, share) in kinds
    where share > 0 && NameHash.unit(NameHash.mix(key, query)) < share {
      var known = excluded ?? truth.map { $0 - first }
      if excluded == nil, let own = plan.ownPlace(of: subject), !known.contains(own) {
        known.append(own)
      }
      var stream = seed.stream("graph/noise/\(plan.schema.name)/\(noise.rawValue)/\(subject)")
      plan.objects.draw(1, excluding: known, &stream) { object, bits in
        found.append((object + first, bits, noise))
        known.append(object)
      }
      excluded = known
    }
    return found
  }
}
