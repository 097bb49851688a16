import Foundation

/// How many subjects get an object, from its share of the popularity, where a subject's objects all
/// differ.
struct InclusionModel {
  /// Numbers of objects per query with how many queries have them.
  private let queries: [(objects: Int, count: Double)]
  let queryCount: Double
  /// Numbers of objects that are told apart; more are put together by their mean.
  private static let largestDetail = 8

  /// `histogram[k]` is how many subjects have k objects.
  init(_ histogram: [Int]) {
    var groups = histogram.indices.dropFirst().filter { histogram[$0] > 0 }
      .map { (objects: $0, count: Double(histogram[$0])) }
    queryCount = groups.reduce(0) { $0 + $1.count }
    if groups.count > Self.largestDetail {
      let rest = groups[(Self.largestDetail - 1)...]
      let count = rest.reduce(0) { $0 + $1.count }
      let mean = rest.reduce(0) { $0 + Double($1.objects) * $1.count } / count
      groups = Array(groups[..<(Self.largestDetail - 1)]) + [(Int(mean.rounded()), count)]
    }
    queries = groups
  }

  /// The share of the queries that have each object; `shares` are of one object each, `sizes` how
  /// many objects have that share.
  ///
  /// Exact for queries of one and two objects. For more, drawing without replacement is a race of
  /// exponential clocks, ended at the fixed time at which as many are in as are drawn on average.
  func shares(_ shares: [Double], sizes: [Double]) -> [Double] {
    var included = [Double](repeating: 0, count: shares.count)
    let pool = sizes.reduce(0, +)
    for group in queries {
      let weight = group.count / queryCount
      switch group.objects {
      case 1:
        for index in shares.indices { included[index] += weight * shares[index] }
      case 2:
        let all = zip(shares, sizes).reduce(0) { $0 + $1.1 * $1.0 / max(1e-9, 1 - $1.0) }
        for (index, share) in shares.enumerated() {
          let second = share * (all - share / max(1e-9, 1 - share))
          included[index] += weight * min(1, share + second)
        }
      case let number where Double(number) >= pool:
        for index in shares.indices { included[index] += weight }
      case let number:
        let time = Self.time(until: Double(number), shares, sizes)
        for (index, share) in shares.enumerated() {
          included[index] -= weight * expm1(-time * share)
        }
      }
    }
    return included
  }

  private static func time(until number: Double, _ shares: [Double], _ sizes: [Double]) -> Double {
    // The number drawn grows ever slower with time, so that Newton's steps come from below and stay
    // there.
    var time = number
    for _ in 0..<40 {
      var (drawn, rate) = (0.0, 0.0)
      for (share, size) in zip(shares, sizes) {
        let left = exp(-time * share)
        drawn += size * (1 - left)
        rate += size * share * left
      }
      let step = (number - drawn) / max(1e-300, rate)
      time += step
      if step < 1e-5 * time { break }
    }
    return time
  }
}
