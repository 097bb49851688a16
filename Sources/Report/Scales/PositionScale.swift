import Foundation

/// Turns values of one axis into positions between `start` and `end`, and places its ticks.
package struct PositionScale {
  let kind: Axis.Scale
  let domain: ClosedRange<Double>
  let start: Double
  let end: Double
  let format: ColumnFormat

  /// The scale of `axis` between two positions; `end` may be smaller than `start`.
  package init(_ axis: ResolvedAxis, from start: Double, to end: Double) {
    kind = axis.axis.scale
    domain = axis.domain
    format = axis.format
    self.start = start
    self.end = end
  }

  /// The position of `value`; values outside the domain land outside the two ends.
  package func position(_ value: Double) -> Double {
    let (low, high) = (domain.lowerBound, domain.upperBound)
    let share =
      kind == .log
      ? (log10(value) - log10(low)) / (log10(high) - log10(low)) : (value - low) / (high - low)
    return start + share * (end - start)
  }

  /// The position of `value` brought inside the domain.
  package func clamped(_ value: Double) -> Double {
    position(min(max(value, domain.lowerBound), domain.upperBound))
  }

  /// Ticks whose labels, as measured by `extent`, stand clear of each other.
  package func ticks(_ extent: (String) -> Double) -> [Tick] {
    switch kind {
    case .linear: linearTicks(extent)
    case .log: logTicks(extent)
    }
  }

  private func linearTicks(_ extent: (String) -> Double) -> [Tick] {
    for count in [6, 5, 4, 3, 2] {
      let values = Ticks.linear(domain, count: count).filter { value in
        (kind == .linear || value > 0) && (format != .integer || value == value.rounded())
      }
      let ticks = labelled(values)
      if fits(ticks, extent) { return ticks }
    }
    return labelled(Ticks.linear(domain, count: 1))
  }

  private func logTicks(_ extent: (String) -> Double) -> [Tick] {
    let decades = log10(domain.upperBound / domain.lowerBound)
    let minor = decades <= 8 ? Ticks.log(domain, mantissas: [1, 2, 3, 4, 5, 6, 7, 8, 9]) : []
    for (mantissas, stride) in candidates(decades) {
      let values = Ticks.log(domain, mantissas: mantissas, stride: stride)
      guard values.count >= 2 else { continue }
      let major = labelled(values)
      guard fits(major, extent) else { continue }
      let unlabelled = minor.filter { !values.contains($0) }.map { Tick(value: $0, label: nil) }
      return (major + unlabelled).sorted { $0.value < $1.value }
    }
    return linearTicks(extent)
  }

  /// Which multiples of a power of ten to label, the most welcome first.
  private func candidates(_ decades: Double) -> [([Double], Int)] {
    let fine: [([Double], Int)] = decades < 2.2 ? [([1, 2, 5], 1), ([1, 3], 1)] : []
    return fine + [([1], 1), ([1], 2), ([1], 3), ([1], 5), ([1], 10)]
  }

  private func labelled(_ values: [Double]) -> [Tick] {
    let step = values.count > 1 ? values[1] - values[0] : abs(values.first ?? 1)
    return values.map { Tick(value: $0, label: TickLabel.text($0, step: step, format, kind)) }
  }

  private func fits(_ ticks: [Tick], _ extent: (String) -> Double) -> Bool {
    let spans = ticks.map { tick in
      let half = extent(tick.label ?? "") / 2
      return (position(tick.value) - half)...(position(tick.value) + half)
    }
    let sorted = spans.sorted { $0.lowerBound < $1.lowerBound }
    return zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
  }
}

/// Labels of ticks: the column's format with no more digits than the step needs.
package enum TickLabel {
  /// The label of a tick at `value` where neighbouring ticks are `step` apart.
  package static func text(
    _ value: Double, step: Double, _ format: ColumnFormat, _ scale: Axis.Scale
  ) -> String {
    let own = scale == .log ? abs(value) : step
    switch format {
    case .percent: return ColumnFormat.percent(digits: digits(own * 100)).string(value)
    case .number: return ColumnFormat.number(digits: digits(own)).string(value)
    case .count: return trimmed(ColumnFormat.count.string(value))
    case .text: return Cell.number(value).plain
    case .scientific: return shortPower(format.string(value))
    case .integer: return format.string(value)
    }
  }

  /// Decimals that a number needs to show a step of this size.
  private static func digits(_ step: Double) -> Int {
    guard step > 0, step.isFinite else { return 0 }
    return min(12, max(0, Int((-log10(step) - 1e-9).rounded(.up))))
  }

  /// "2.0×10¹²" as "2×10¹²" and "1.0×10¹²" as "10¹²".
  private static func shortPower(_ text: String) -> String {
    let short = text.replacing(".0×", with: "×")
    return short.hasPrefix("1×") ? String(short.dropFirst(2)) : short
  }

  /// "2.50k" as "2.5k".
  private static func trimmed(_ text: String) -> String {
    let suffix = text.last.map { $0.isLetter ? String($0) : "" } ?? ""
    var number = text.dropLast(suffix.count)
    guard number.contains(".") else { return text }
    while number.hasSuffix("0") { number.removeLast() }
    if number.hasSuffix(".") { number.removeLast() }
    return number + suffix
  }
}
