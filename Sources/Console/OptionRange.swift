import ArgumentParser

/// The ranges of options that are numbers.
package enum OptionRange {
  /// Refuses what is outside, NaN included, with the range; nil, for an option left out, is in
  /// every range.
  package static func require<Value: Comparable>(
    _ value: Value?, _ range: ClosedRange<Value>, _ option: String
  ) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError(
      "\(option) is \(value); it must be between \(range.lowerBound) and \(range.upperBound)")
  }

  /// The same of several settings by their names in a study, which with dashes are those of their
  /// options.
  package static func require<Settings, Value: Comparable>(
    _ settings: Settings,
    _ ranges: [(
      name: String, path: any WritableKeyPath<Settings, Value> & Sendable,
      range: ClosedRange<Value>
    )]
  ) throws {
    for (name, path, range) in ranges {
      try require(settings[keyPath: path], range, "--" + name.replacing("_", with: "-"))
    }
  }
}
