import ArgumentParser

/// The ranges of options that are numbers.
enum OptionRange {
  /// Refuses what is outside, NaN included, with the range; nil, for an option left out, is in every range.
  static func require<Value: Comparable>(
    _ value: Value?, _ range: ClosedRange<Value>, _ option: String
  ) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError(
      "\(option) is \(value); it must be between \(range.lowerBound) and \(range.upperBound)")
  }

  /// The seconds that a benchmark measures for.
  static func requireSeconds(_ value: Double) throws {
    guard value > 0, value <= 3_600 else {
      throw ValidationError("--seconds is \(value); it must be above 0 and at most 3600")
    }
  }
}
