import Analysis
import LabCore

/// What a coordinate check measured of one part of the model, and whether it is flat in the width.
package struct CoordinatePart: Codable, Hashable, Sendable {
  /// "embedding", "attention 1", ..., "residual", "logits".
  package var part: String
  /// Mean absolute coordinate before any update, for each width.
  package var initial: [Double]
  /// The same after the last step.
  package var final: [Double]
  /// Mean absolute difference of the two.
  package var change: [Double]
  /// Exponents of the width in each of them; nil where a value is 0 or not finite.
  package var initialSlope: Double?
  package var finalSlope: Double?
  package var changeSlope: Double?

  /// Values for each width, in the order of `widths`.
  package init(
    part: String, widths: [Int], initial: [Double], final: [Double], change: [Double]
  ) {
    func slope(_ values: [Double]) -> Double? {
      LogLogSlope.fit(zip(widths, values).map { (x: Double($0), y: $1) })
    }
    self.part = part
    self.initial = initial
    self.final = final
    self.change = change
    initialSlope = slope(initial)
    finalSlope = slope(final)
    changeSlope = slope(change)
  }

  /// Whether size and change after the steps have exponents within `tolerance` of 0.
  ///
  /// The initial size has no say: logits begin as n^-1/2 under muP, and a few steps make up for it.
  package func isFlat(within tolerance: Double) -> Bool {
    [finalSlope, changeSlope].allSatisfy { $0.map { abs($0) <= tolerance } ?? false }
  }
}

/// The result of a coordinate check.
package struct CoordinateReport: Codable, Hashable, Sendable {
  package var widths: [Int]
  /// The peak learning rate at each width, before factors of layers.
  package var learningRates: [Double]
  package var steps: Int
  package var seeds: Int
  package var tolerance: Double
  package var parts: [CoordinatePart]
  package var isFlat: Bool

  /// The parts that are not flat.
  package var failing: [CoordinatePart] { parts.filter { !$0.isFlat(within: tolerance) } }
}
