import LabCore
import Numerics

/// The size from which on a rate stays at or below a threshold.
package enum Crossing: Hashable, Sendable {
  /// Between two measured sizes, or exactly at one.
  case size(Double)
  /// Every measured size meets the threshold, so the answer is at most the smallest: its size.
  case atMost(Double)
  /// The largest measured size is above the threshold: nothing is extrapolated.
  case notReached

  /// Interpolates the rate linearly in the logarithm of size.
  ///
  /// `points` are (size, rate) with positive sizes in ascending order. Where the rate rises again above
  /// the threshold, the crossing after the last such size counts. Nil for no points.
  package static func find(
    threshold: Double, in points: [(size: Double, rate: Double)]
  ) -> Crossing? {
    precondition(
      zip(points, points.dropFirst()).allSatisfy { $0.size < $1.size }
        && points.allSatisfy { $0.size > 0 }, "sizes must be positive and ascend")
    guard let first = points.first else { return nil }
    guard let above = points.lastIndex(where: { !($0.rate <= threshold) }) else {
      return .atMost(first.size)
    }
    guard above + 1 < points.count else { return .notReached }
    let (last, next) = (points[above], points[above + 1])
    guard last.rate.isFinite, next.rate < threshold else { return .size(next.size) }
    let fraction = (last.rate - threshold) / (last.rate - next.rate)
    return .size(last.size * Double.exp(fraction * Double.log(next.size / last.size)))
  }

  /// "21300", "≤ 3120" or "not reached", numbers written by `number`.
  package func text(_ number: (Double) -> String) -> String {
    switch self {
    case .size(let size): number(size)
    case .atMost(let size): "≤ " + number(size)
    case .notReached: "not reached"
    }
  }

  /// Where the answer stands among replicates: below every size, at one, above every size.
  fileprivate var order: Double {
    switch self {
    case .size(let size): size
    case .atMost: -.infinity
    case .notReached: .infinity
    }
  }
}

/// The size needed for a rate, with an interval by bootstrap over clusters.
package struct CrossingEstimate: Hashable, Sendable {
  package var threshold: Double
  package var crossing: Crossing
  /// The lower end of the interval, itself perhaps `atMost` or `notReached`; nil without one.
  package var low: Crossing?
  /// The upper end, likewise.
  package var high: Crossing?
  package var confidence: Double

  /// "21.3k (95 % interval 18.0k to 25.1k)", numbers written by `number`.
  package func text(_ number: (Double) -> String) -> String {
    guard let low, let high else { return crossing.text(number) }
    let percent = number100(confidence)
    return "\(crossing.text(number)) "
      + "(\(percent) % interval \(low.text(number)) to \(high.text(number)))"
  }

  private func number100(_ share: Double) -> String {
    let value = share * 100
    return value == value.rounded() ? "\(Int(value))" : "\(value)"
  }
}

/// The measured rate at one size, as sums over independent clusters.
package struct SizedClusters: Hashable, Sendable {
  package var size: Double
  package var clusters: [ClusterSum]

  package init(size: Double, clusters: [ClusterSum]) {
    self.size = size
    self.clusters = clusters
  }
}

extension Bootstrap {
  /// The size from which on the rate stays at or below `threshold`.
  ///
  /// `sizes` ascend. Where all sizes have the same number of clusters these are taken to be the same
  /// units (the same subjects asked of every model) and are resampled together; otherwise each size is
  /// resampled by itself. Nil when a size has no data.
  package func crossing(
    threshold: Double, in sizes: [SizedClusters], stream name: String
  ) -> CrossingEstimate? {
    let measured = sizes.compactMap { entry in
      Self.ratio(entry.clusters).map { (size: entry.size, rate: $0) }
    }
    guard measured.count == sizes.count,
      let crossing = Crossing.find(threshold: threshold, in: measured)
    else { return nil }
    var result = CrossingEstimate(
      threshold: threshold, crossing: crossing, low: nil, high: nil, confidence: confidence)
    guard sizes.allSatisfy({ $0.clusters.count > 1 }) else { return result }
    let sorted = replicateCrossings(threshold, sizes, name).sorted { $0.order < $1.order }
    guard !sorted.isEmpty else { return result }
    // Nearest rank: an end may be "not reached", which cannot be averaged with a number.
    func rank(_ share: Double) -> Int {
      min(sorted.count - 1, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))
    }
    result.low = sorted[rank((1 - confidence) / 2)]
    result.high = sorted[rank((1 + confidence) / 2)]
    return result
  }

  private func replicateCrossings(
    _ threshold: Double, _ sizes: [SizedClusters], _ name: String
  ) -> [Crossing] {
    let isPaired = Set(sizes.map(\.clusters.count)).count == 1
    var stream = seed.stream("bootstrap/\(name)")
    return (0..<replicates).compactMap { _ in
      let shared = isPaired ? Self.draw(sizes[0].clusters.count, &stream) : []
      let points = sizes.map { entry in
        let drawn = isPaired ? shared : Self.draw(entry.clusters.count, &stream)
        return (size: entry.size, rate: Self.ratio(entry.clusters, drawn) ?? .nan)
      }
      return Crossing.find(threshold: threshold, in: points)
    }
  }
}
