/// Agreement of two orders, and how unequal values are.
package enum RankCorrelation {
  /// Spearman's: the correlation of ranks, of which equal values share the mean; nil where either
  /// has one value alone.
  package static func spearman(_ a: [Double], _ b: [Double]) -> Double? {
    precondition(a.count == b.count, "ranks are of pairs")
    guard let means = Mean.of(ranks(a)), a.count > 1 else { return nil }
    let pairs = zip(ranks(a), ranks(b)).map { ($0 - means, $1 - means) }
    let spread = (
      Mean.sum(pairs.map { $0.0 * $0.0 }), Mean.sum(pairs.map { $0.1 * $0.1 })
    )
    guard spread.0 > 0, spread.1 > 0 else { return nil }
    return Mean.sum(pairs.map { $0.0 * $0.1 }) / (spread.0 * spread.1).squareRoot()
  }

  /// The place of each value, 0 for the least; equal ones share the mean of theirs.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
      var last = first
      while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
      for place in first...last { ranks[order[place]] = Double(first + last) / 2 }
      first = last + 1
    }
    return ranks
  }

  /// Gini's coefficient of values that are not negative: 0 where all are equal, (n - 1) / n where
  /// one has all; nil where all are 0.
  package static func gini(_ values: [Double]) -> Double? {
    let sum = Mean.sum(values)
    guard sum > 0 else { return nil }
    let weighted = values.sorted().enumerated().map { place, value in
      Double(2 * place + 1 - values.count) * value
    }
    return Mean.sum(weighted) / (Double(values.count) * sum)
  }
}
