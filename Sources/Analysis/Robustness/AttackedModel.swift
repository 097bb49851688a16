import Foundation

/// How often an attack on one model has succeeded after some iterations, by training seed.
package struct AttackedModel: Hashable, Sendable {
  /// One point of the curve of one seed.
  package struct Point: Hashable, Sendable {
    /// Which training of the model was attacked.
    package let seed: Int
    /// From 1; iteration 0 is the text before the attack.
    package let iteration: Double
    /// Successes among the examples that were right without an attack, 0 to 1.
    package let rate: Double
    /// Floating-point operations of one iteration.
    package let flops: Double

    package init(seed: Int, iteration: Double, rate: Double, flops: Double) {
      self.seed = seed
      self.iteration = iteration
      self.rate = rate
      self.flops = flops
    }
  }

  /// Parameters.
  package let size: Double
  package let points: [Point]

  /// Points of iterations below 1 are left out.
  package init(size: Double, points: [Point]) {
    self.size = size
    self.points = points.filter { $0.iteration > 0 }
  }

  /// Different seeds, ascending.
  package var seeds: [Int] { Set(points.map(\.seed)).sorted() }

  /// Operations of one iteration: their mean over the points, so that seeds differ in their rates
  /// alone.
  package var flopsPerIteration: Double { Mean.of(points.map(\.flops)) ?? 0 }

  /// Points that a slope is fitted to: those whose logit is finite.
  package var usedCount: Int { points.count { $0.rate > 0 && $0.rate < 1 } }

  /// Growth of the log-odds of success, base 10, where the attack's compute grows tenfold (arXiv
  /// 2407.18213).
  ///
  /// The slope of logit10 rate on log10(iteration × FLOPs an iteration / FLOPs of pre-training) by
  /// least squares over all seeds; points of infinite logit are dropped. What is constant over a
  /// model's points moves the line and not its slope, so that the two FLOPs take no part in it.
  /// Neighbouring points of a curve are the same examples, so the interval is over seeds: the slope
  /// without each seed in turn (jackknife), with t quantiles. None for one seed; nil for fewer than
  /// two different iterations.
  package func slope(confidence: Double = 0.95) -> Estimate? {
    let seeds = seeds
    guard let value = Self.slope(points[...]) else { return nil }
    let others = seeds.compactMap { seed in Self.slope(points.filter { $0.seed != seed }[...]) }
    var interval: Interval?
    if seeds.count > 1, others.count == seeds.count, let mean = Mean.of(others) {
      let count = Double(seeds.count)
      let variance =
        (count - 1) / count * Mean.sum(others.lazy.map { ($0 - mean) * ($0 - mean) })
      let half =
        StudentT.quantile((1 + confidence) / 2, degrees: count - 1) * variance.squareRoot()
      interval = Interval(low: value - half, high: value + half, confidence: confidence)
    }
    return Estimate(value: value, interval: interval, count: seeds.count)
  }

  private static func slope(_ points: ArraySlice<Point>) -> Double? {
    Trend.fit(
      points.filter { $0.rate > 0 && $0.rate < 1 }.map {
        (x: log10($0.iteration), y: log10($0.rate / (1 - $0.rate)))
      })?.slope.value
  }

  /// The mean rate of all seeds at each iteration that every one of them has, ascending.
  package var meanCurve: [(iteration: Double, rate: Double)] {
    let count = seeds.count
    return Dictionary(grouping: points, by: \.iteration).filter { $0.value.count == count }
      .map { (iteration: $0.key, rate: Mean.of($0.value.map(\.rate)) ?? 0) }
      .sorted { $0.iteration < $1.iteration }
  }

  /// The iteration at which the mean curve first reaches a rate; nil where it never does.
  ///
  /// In a line between neighbouring iterations, from rate 0 at iteration 0.
  package func iteration(reaching target: Double) -> Double? {
    var before = (iteration: 0.0, rate: 0.0)
    for point in meanCurve {
      if point.rate >= target {
        let share = (target - before.rate) / (point.rate - before.rate)
        return before.iteration
          + (point.rate > before.rate ? share : 1) * (point.iteration - before.iteration)
      }
      before = point
    }
    return nil
  }
}
