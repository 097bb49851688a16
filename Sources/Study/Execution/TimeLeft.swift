/// The time that the rest of a set of tasks takes, from how the work so far went.
struct TimeLeft {
  struct Item {
    var kind: String
    var estimatedSeconds: Double
    /// Share of the work done in this session and before, 0 to 1.
    var share: Double
    /// Seconds of work in this session; 0 for a result of an earlier one.
    var seconds: Double
  }

  /// Seconds left on `workers` side by side; never less than the longest single task left.
  ///
  /// Each kind's estimates are multiplied by what its work so far took over what was estimated; a
  /// kind of which nothing is done yet takes the factor of all kinds together.
  static func seconds(_ items: [Item], workers: Int) -> Double {
    let overall = factor(items)
    var total = 0.0
    var longest = 0.0
    for kind in Set(items.map(\.kind)).sorted() {
      let same = items.filter { $0.kind == kind }
      let factor = factor(same) ?? overall ?? 1
      for item in same {
        let left = item.estimatedSeconds * (1 - item.share) * factor
        total += left
        longest = max(longest, left)
      }
    }
    return max(total / Double(max(workers, 1)), longest)
  }

  private static func factor(_ items: [Item]) -> Double? {
    let measured = items.filter { $0.seconds > 0 && $0.share > 0 }
    let estimated = measured.reduce(0) { $0 + $1.estimatedSeconds * $1.share }
    guard estimated > 0 else { return nil }
    return measured.reduce(0) { $0 + $1.seconds } / estimated
  }
}
