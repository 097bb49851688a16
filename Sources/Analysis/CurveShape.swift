/// How a score, of which more is better, goes with size.
///
/// With y the means at ascending sizes, and a difference counting where it is above two standard
/// errors of that difference (the root of the sum of both squares), in this order:
///
/// - `u`: the lowest mean is neither first nor last, and both of these are above it;
/// - `positive`: the last is above the first;
/// - `inverse`: the highest is above the last, and the last not above the lowest;
/// - `flat`: all else.
///
/// After the U-shape test for arXiv 2211.02011, where the last must itself be the lowest for
/// `inverse`: here a curve that fell and then stays down within its errors is inverse too. A score
/// that rises and falls back to where it began is inverse, since larger is worse at its end.
package enum CurveShape: String, Hashable, Sendable, Codable {
  case inverse
  case u = "U"
  case positive
  case flat

  /// The mean of a score at one size with its standard error, at least 0.
  package struct Point: Hashable, Sendable {
    package var mean: Double
    package var standardError: Double

    package init(mean: Double, standardError: Double) {
      self.mean = mean
      self.standardError = standardError
    }

    /// Whether this mean is above another by more than two standard errors of the difference.
    fileprivate func isAbove(_ other: Point) -> Bool {
      let square = standardError * standardError + other.standardError * other.standardError
      return mean - other.mean > 2 * square.squareRoot()
    }
  }

  /// The shape of means at ascending sizes; nil for fewer than two.
  package init?(_ points: [Point]) {
    guard points.count > 1, let first = points.first, let last = points.last,
      let lowest = points.indices.min(by: { points[$0].mean < points[$1].mean }),
      let highest = points.max(by: { $0.mean < $1.mean })
    else { return nil }
    let low = points[lowest]
    let isInside = lowest > 0 && lowest + 1 < points.count
    if isInside && last.isAbove(low) && first.isAbove(low) {
      self = .u
    } else if last.isAbove(first) {
      self = .positive
    } else if highest.isAbove(last) && !last.isAbove(low) {
      self = .inverse
    } else {
      self = .flat
    }
  }
}

/// Whether a score grows with size evenly or at once, as BIG-bench measures it (arXiv 2206.04615).
package struct Breakthrough: Hashable, Sendable, Codable {
  /// I / root of the mean squared step between neighbours.
  ///
  /// I is the range, highest less lowest, with the sign of whether the highest comes after the
  /// lowest. This formula is recalled, not confirmed by a source: do not quote values as the
  /// published ones.
  package let linearity: Double
  /// I / root of the median squared step; nil where more than half of the steps are 0 and I is not.
  package let breakthroughness: Double?

  /// Of scores at ascending sizes; nil for fewer than two, or where all are equal.
  package init?(_ scores: [Double]) {
    guard let low = scores.indices.min(by: { scores[$0] < scores[$1] }),
      let high = scores.indices.max(by: { scores[$0] < scores[$1] }), scores[low] < scores[high]
    else { return nil }
    let range = (scores[high] - scores[low]) * (high > low ? 1 : -1)
    let squares = zip(scores.dropFirst(), scores).map { ($0 - $1) * ($0 - $1) }
    linearity = range / (Mean.of(squares) ?? 0).squareRoot()
    let median = Mean.quantile(0.5, ofSorted: squares.sorted()) ?? 0
    breakthroughness = median > 0 ? range / median.squareRoot() : nil
  }
}
