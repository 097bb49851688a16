import Analysis
package import Evaluation
package import KnowledgeGraph
package import LabCore

/// A query as a small and a large model answer it.
package struct CascadedQuery: Hashable, Sendable {
  /// One model's greedy answer.
  package struct Answer: Hashable, Sendable {
    package let isHallucination: Bool
    /// Floating-point operations of writing it.
    package let flops: Double

    package init(isHallucination: Bool, flops: Double) {
      self.isHallucination = isHallucination
      self.flops = flops
    }
  }

  package let subject: Int32
  package let visibility: Visibility
  package let small: Answer
  package let large: Answer

  package init(subject: Int32, visibility: Visibility, small: Answer, large: Answer) {
    self.subject = subject
    self.visibility = visibility
    self.small = small
    self.large = large
  }

  /// Hallucinations that deferring it takes away: -1, 0 or 1.
  var gain: Double { (small.isHallucination ? 1 : 0) - (large.isHallucination ? 1 : 0) }
}

/// What decides which queries are deferred: those of the highest scores first.
package struct Switch: Hashable, Sendable {
  /// Where its scores come from.
  package enum Kind: String, Codable, Sendable { case baseline, score, detector }

  package let name: String
  package let kind: Kind
  /// One for each query.
  package var scores: [Double]
  /// Operations of a query's score that the small model's answer did not have to make.
  package var flops: [Double]?

  package init(_ name: String, _ kind: Kind, _ scores: [Double], flops: [Double]? = nil) {
    self.name = name
    self.kind = kind
    self.scores = scores
    self.flops = flops
  }

  /// The same for the queries at some places.
  func at(_ places: [Int]) -> Switch {
    Switch(
      name, kind, places.map { scores[$0] }, flops: flops.map { own in places.map { own[$0] } })
  }

  /// How much of each query is deferred when `share` of all are.
  ///
  /// Queries of equal scores are deferred in equal parts, which is what a fair choice among them
  /// comes to on average.
  package func deferral(of share: Double) -> [Double] {
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var parts = [Double](repeating: 0, count: scores.count)
    var left = share * Double(scores.count)
    var start = 0
    while start < order.count, left > 0 {
      let end = order[start...].firstIndex { scores[$0] < scores[order[start]] } ?? order.count
      for index in order[start..<end] { parts[index] = min(1, left / Double(end - start)) }
      left -= Double(end - start)
      start = end
    }
    return parts
  }
}

/// One point of a curve: what a share of deferred queries costs and what it brings.
package struct CascadePoint: Codable, Hashable, Sendable {
  /// Size of the model deferred to.
  package let large: String
  package let visibility: QuerySet
  package let `switch`: String
  package let kind: Switch.Kind
  package let share: Double
  /// Of the small model for every query, and of the large one for those deferred.
  package let meanFLOPs: Double
  /// Hallucinations among the greedy answers given, with the 95 % interval over subjects.
  package let rate: Double
  package let lower: Double?
  package let upper: Double?
  package let queryCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case large, visibility, `switch`, kind, share, rate, lower, upper, meanFLOPs, queryCount
  }
}

/// What a switch comes to over all shares.
package struct CascadeArea: Codable, Hashable, Sendable {
  package let large: String
  package let visibility: QuerySet
  package let `switch`: String
  package let kind: Switch.Kind
  /// Mean rate over the shares from 0 to 1: the area under the curve.
  package let meanRate: Double
  /// Where that lies between random deferral, 0, and the oracle, 1; nil where both are the same.
  package let gain: Double?

  enum CodingKeys: String, CodingKey {
    case large, visibility, `switch`, kind, gain
    case meanRate = "mean_rate"
  }
}

/// What deferring brings among the queries that a switch finds equally uncertain.
package struct CascadeDecile: Codable, Hashable, Sendable {
  package let large: String
  package let visibility: QuerySet
  package let `switch`: String
  /// From 1, the most certain tenth, to 10.
  package let decile: Int
  /// Rate of the small model, and how much of it the large one takes away, with the 95 % interval
  /// over subjects.
  package let rate: Double
  package let gain: Double
  package let lower: Double?
  package let upper: Double?

  enum CodingKeys: String, CodingKey {
    case large, visibility, `switch`, decile, rate, gain, lower, upper
  }
}

/// What a switch comes to over compute.
package struct CascadeCompute: Codable, Hashable, Sendable {
  package let large: String
  package let visibility: QuerySet
  package let `switch`: String
  /// Mean rate over mean FLOPs from those of the small model alone to those of both for every
  /// query.
  package let meanRate: Double
  /// Where that lies between random deferral, 0, and the oracle, 1; nil where both are the same.
  package let gain: Double?

  enum CodingKeys: String, CodingKey {
    case large, visibility, `switch`, gain
    case meanRate = "mean_rate"
  }
}

/// Queries answered by a small model, which defers those it is least certain of to a large one
/// (arXiv 2202.07652).
package struct Cascade {
  /// Shares of the queries that are deferred.
  package static let shares = (0...20).map { Double($0) / 20 }
  private static let (random, oracle) = ("random", "oracle")

  /// Size of the model deferred to.
  package let large: String
  /// Those of one subject stand together.
  package let queries: [CascadedQuery]
  /// Beside random deferral and the oracle.
  package let switches: [Switch]

  package init(large: String, queries: [CascadedQuery], switches: [Switch]) {
    self.large = large
    self.queries = queries
    self.switches = switches
  }

  /// The curves of every switch over a set of queries, each from the share 0 to 1; empty where it
  /// has no query.
  package func points(_ set: QuerySet, resamples: Int, seed: Seed) -> [CascadePoint] {
    let places = queries.indices.filter { set.contains(queries[$0].visibility) }
    guard !places.isEmpty else { return [] }
    let own = places.map { queries[$0] }
    let known = [
      Switch(Self.random, .baseline, own.map { _ in 0 }),
      Switch(Self.oracle, .baseline, own.map(\.gain)),
    ]
    let all = known + switches.map { $0.at(places) }
    let deferrals = all.flatMap { one in Self.shares.map { (one, $0, one.deferral(of: $0)) } }
    let bootstrap = SubjectBootstrap(
      subjects: own.map(\.subject),
      series: deferrals.map { _, _, parts in
        zip(own, parts).map { ($0.small.isHallucination ? 1 : 0) - $1 * $0.gain }
      })
    let rates = bootstrap.measured(
      resamples: resamples, seed.stream("cascade/\(large)/\(set.rawValue)"))
    return deferrals.enumerated().map { index, point in
      let flops = zip(own, point.2).enumerated().map { place, one in
        one.0.small.flops + one.1 * one.0.large.flops + (point.0.flops?[place] ?? 0)
      }
      return CascadePoint(
        large: large, visibility: set, switch: point.0.name, kind: point.0.kind, share: point.1,
        meanFLOPs: Mean.of(flops) ?? 0, rate: rates[index].value, lower: rates[index].lower,
        upper: rates[index].upper, queryCount: own.count)
    }
  }

  /// The gain in each tenth of the queries of a set, by every switch.
  package func deciles(_ set: QuerySet, resamples: Int, seed: Seed) -> [CascadeDecile] {
    let places = queries.indices.filter { set.contains(queries[$0].visibility) }
    guard !places.isEmpty else { return [] }
    let own = places.map { queries[$0] }
    let bootstrap = Bootstrap(seed: seed, replicates: max(1, resamples))
    return switches.flatMap { one -> [CascadeDecile] in
      let deferred = (0...10).map { one.at(places).deferral(of: Double($0) / 10) }
      return (1...10).compactMap { decile in
        // Those deferred last are the most certain; equal scores are in several tenths by equal
        // parts.
        let parts = zip(deferred[11 - decile], deferred[10 - decile]).map { $0 - $1 }
        let gains = ClusterSum.grouped(
          own.map(\.subject), zip(own, parts).map { ($0.gain * $1, $1) })
        let stream = "cascade/deciles/\(large)/\(set.rawValue)/\(one.name)/\(decile)"
        guard let gain = bootstrap.ratio(gains, stream: stream),
          let rate = Mean.weighted(own.map { $0.small.isHallucination ? 1 : 0 }, by: parts)
        else { return nil }
        let interval = resamples > 0 ? gain.interval : nil
        return CascadeDecile(
          large: large, visibility: set, switch: one.name, decile: decile, rate: rate,
          gain: gain.value, lower: interval?.low, upper: interval?.high)
      }
    }
  }

  /// The areas under the curves of one set against FLOPs.
  ///
  /// Below what a switch needs the small model answers alone; beyond what it can spend more changes
  /// nothing.
  package static func compute(_ points: [CascadePoint]) -> [CascadeCompute] {
    let curves = stride(from: 0, to: points.count, by: shares.count).map {
      Array(points[$0..<$0 + shares.count])
    }
    guard let low = curves.first?.first?.meanFLOPs, let high = curves.first?.last?.meanFLOPs,
      high > low
    else { return [] }
    let means = curves.map { curve in
      let ends = [(low, curve[0].rate), (curve[0].meanFLOPs, curve[0].rate)]
      let steps =
        ends + curve.dropFirst().map { ($0.meanFLOPs, $0.rate) }
        + [(max(high, curve[shares.count - 1].meanFLOPs), curve[shares.count - 1].rate)]
      return zip(steps, steps.dropFirst()).reduce(0) { sum, pair in
        let (from, to) = (pair.0, pair.1)
        let end = min(to.0, high)
        guard end > from.0 else { return sum }
        let last = from.1 + (to.1 - from.1) * (end - from.0) / (to.0 - from.0)
        return sum + (end - from.0) * (from.1 + last) / 2
      } / (high - low)
    }
    return zip(curves, means).map { curve, mean in
      let span = means[0] - means[1]
      return CascadeCompute(
        large: curve[0].large, visibility: curve[0].visibility, switch: curve[0].switch,
        meanRate: mean, gain: span > 1e-12 ? (means[0] - mean) / span : nil)
    }
  }

  /// The areas under the curves of one set.
  package static func areas(_ points: [CascadePoint]) -> [CascadeArea] {
    let curves = stride(from: 0, to: points.count, by: shares.count).map {
      points[$0..<$0 + shares.count]
    }
    let means = curves.map { curve in
      zip(curve, curve.dropFirst()).reduce(0) {
        $0 + ($1.1.share - $1.0.share) * ($1.0.rate + $1.1.rate) / 2
      }
    }
    return zip(curves, means).compactMap { curve, mean in
      guard let first = curve.first else { return nil }
      let span = means[0] - means[1]
      return CascadeArea(
        large: first.large, visibility: first.visibility, switch: first.switch, kind: first.kind,
        meanRate: mean, gain: span > 1e-12 ? (means[0] - mean) / span : nil)
    }
  }
}
