/// "Did you mean": the known name nearest to a mistyped one.
package enum Suggestion {
  /// The candidate with the smallest edit distance, when it is close enough to be meant.
  ///
  /// Among equally near ones, that which begins most alike.
  package static func nearest(to name: String, in candidates: some Sequence<String>) -> String? {
    let lowered = name.lowercased()
    let scored = candidates.map { candidate in
      let other = candidate.lowercased()
      let shared = zip(lowered, other).prefix { $0 == $1 }.count
      return (candidate, distance: distance(lowered, other), mismatch: -shared)
    }
    let best = scored.min { ($0.distance, $0.mismatch, $0.0) < ($1.distance, $1.mismatch, $1.0) }
    guard let best, best.distance <= max(2, name.count / 3) else { return nil }
    return best.0
  }

  /// "; did you mean 'x'?" or, when nothing is near, "; known: a, b, c".
  package static func hint(for name: String, in candidates: [String]) -> String {
    if let best = nearest(to: name, in: candidates) { return "; did you mean '\(best)'?" }
    return candidates.isEmpty ? "" : "; known: \(candidates.joined(separator: ", "))"
  }

  /// Edit distance with insertion, deletion and substitution (Levenshtein 1966).
  package static func distance(_ first: String, _ second: String) -> Int {
    let a = Array(first)
    let b = Array(second)
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, diagonal + 1, row[j] + 1)
      }
    }
    return row[b.count]
  }
}
