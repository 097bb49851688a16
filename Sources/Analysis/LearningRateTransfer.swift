import Foundation

/// How the best learning rate follows the width at one depth: best = k n^slope, where 0 is
/// transfer.
package struct LearningRateTransfer: Hashable, Sendable {
  /// The exponent, with the t interval of a line through the widths' best rates.
  ///
  /// It covers how far they are from a power law, at the steps between the rates that were tried;
  /// of few widths it is wide.
  package let slope: Estimate
  /// Widths whose best rate is the lowest or highest that was tried, so that the true one may lie
  /// beyond.
  package let edgeCount: Int

  /// What a fit says of an expected exponent.
  package enum Verdict: String, Sendable {
    case agrees, contradicts, open
  }

  /// Whether the exponent is one of those expected: it agrees where its interval has one of them,
  /// and contradicts where it has none.
  ///
  /// Open without an interval, where that is wider than 1 and thus holds rates that transfer and
  /// rates that fall as 1 / width alike, and where a best rate is at the edge of those tried.
  package func verdict(expecting range: ClosedRange<Double>) -> Verdict {
    guard let interval = slope.interval, interval.width <= 1, edgeCount == 0 else { return .open }
    return interval.low <= range.upperBound && range.lowerBound <= interval.high
      ? .agrees : .contradicts
  }

  /// Of the sensitivity of each width, which has its best rate; nil for fewer than two widths.
  ///
  /// A best rate is the vertex of the parabola through the losses of the lowest rate and its two
  /// neighbours in log rate, or the rate itself at an edge of the range.
  package static func fit(_ trials: [Int: [LearningRateTrial]]) -> LearningRateTransfer? {
    let best = trials.compactMap { width, trials in
      bestRate(trials).map { (width: width, rate: $0.rate, isEdge: $0.isEdge) }
    }
    let line = Trend.fit(best.map { (x: log(Double($0.width)), y: log($0.rate)) })
    guard let line else { return nil }
    return LearningRateTransfer(slope: line.slope, edgeCount: best.count { $0.isEdge })
  }

  /// The rate of lowest loss; nil for fewer than two rates.
  package static func bestRate(
    _ trials: [LearningRateTrial]
  ) -> (rate: Double, isEdge: Bool)? {
    guard let best = LearningRateSensitivity(trials)?.bestLearningRate else { return nil }
    let rates = Set(trials.map(\.learningRate)).sorted()
    guard let place = rates.firstIndex(of: best), place > 0, place < rates.count - 1 else {
      return (best, true)
    }
    let around = rates[(place - 1)...(place + 1)]
    let points = around.compactMap { rate in
      Mean.of(trials.filter { $0.learningRate == rate }.map(\.boundedLoss))
        .map { (x: log(rate), y: $0) }
    }
    return (Parabola.fit(points).map { exp($0.vertex) } ?? best, false)
  }
}
