/// "Did you mean": the known name nearest to a mistyped one.
package enum Suggestion {
  /// The candidate with the smallest edit distance, when it is close enough to be meant.
  package static func nearest(to name: String, in candidates: some Sequence<String>) -> String? {
    let scored = candidates.map { ($0, distance(name.lowercased(), $0.lowercased())) }
    guard let best = scored.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) else { return nil }
    return best.1 <= max(2, name.count / 3) ? best.0 : nil
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
