/// A closed range of plausible values at a stated confidence.
package struct Interval: Hashable, Sendable, Codable {
  package var low: Double
  package var high: Double
  /// The confidence as a share: 0.95 for a 95 % interval.
  package var confidence: Double

  package init(low: Double, high: Double, confidence: Double = 0.95) {
    self.low = low
    self.high = high
    self.confidence = confidence
  }

  package var width: Double { high - low }

  /// Whether a value lies in the interval, ends included.
  package func contains(_ value: Double) -> Bool { low <= value && value <= high }
}

/// A number with its interval and how much data it stands on.
package struct Estimate: Hashable, Sendable, Codable {
  package var value: Double
  /// Nil when the data cannot carry one, for example a single unit.
  package var interval: Interval?
  /// The independent units behind the value: queries, subjects, seeds.
  package var count: Int

  package init(value: Double, interval: Interval?, count: Int) {
    self.value = value
    self.interval = interval
    self.count = count
  }
}
