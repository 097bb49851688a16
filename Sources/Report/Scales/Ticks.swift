import Foundation

/// A tick of an axis; minor ones have no label.
package struct Tick: Hashable {
  package var value: Double
  package var label: String?
}

/// Where ticks stand: round numbers only.
package enum Ticks {
  /// Multiples of 1, 2 or 5 times a power of ten inside `domain`, about `count` of them.
  package static func linear(_ domain: ClosedRange<Double>, count: Int) -> [Double] {
    let span = domain.upperBound - domain.lowerBound
    guard span > 0, count > 0 else { return [domain.lowerBound] }
    let step = Step(atLeast: span / Double(count))
    let first = Int((domain.lowerBound / step.value - 1e-9).rounded(.up))
    let last = Int((domain.upperBound / step.value + 1e-9).rounded(.down))
    return first <= last ? (first...last).map(step.multiple) : []
  }

  /// `domain` widened to whole steps of its ticks.
  package static func nice(_ domain: ClosedRange<Double>, count: Int) -> ClosedRange<Double> {
    let span = domain.upperBound - domain.lowerBound
    guard span > 0, count > 0 else { return domain }
    let step = Step(atLeast: span / Double(count))
    let low = Int((domain.lowerBound / step.value + 1e-9).rounded(.down))
    let high = Int((domain.upperBound / step.value - 1e-9).rounded(.up))
    return step.multiple(low)...step.multiple(high)
  }

  /// The multiples `mantissas` of every `stride`-th power of ten inside a positive `domain`.
  package static func log(
    _ domain: ClosedRange<Double>, mantissas: [Double], stride: Int = 1
  ) -> [Double] {
    let low = Int(log10(domain.lowerBound).rounded(.down))
    let high = Int(log10(domain.upperBound).rounded(.up))
    guard low <= high else { return [] }
    let slack = 1e-9
    let lowest = domain.lowerBound * (1 - slack)
    let highest = domain.upperBound * (1 + slack)
    var values: [Double] = []
    for exponent in low...high where exponent.isMultiple(of: stride) {
      let power = powerOfTen(exponent)
      values += mantissas.map { $0 * power }.filter { lowest <= $0 && $0 <= highest }
    }
    return values
  }

  /// An exact power of ten where one exists.
  static func powerOfTen(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? .infinity }

  /// A step of 1, 2 or 5 times a power of ten, kept as integers so that multiples are exact
  /// decimals.
  private struct Step {
    let mantissa: Int
    let exponent: Int

    init(atLeast raw: Double) {
      var exponent = Int(log10(raw).rounded(.down))
      let fraction = raw / powerOfTen(exponent) - 1e-9
      let mantissa = [1, 2, 5].first { Double($0) >= fraction }
      if mantissa == nil { exponent += 1 }
      self.mantissa = mantissa ?? 1
      self.exponent = exponent
    }

    var value: Double { multiple(1) }

    func multiple(_ index: Int) -> Double {
      exponent < 0
        ? Double(index * mantissa) / powerOfTen(-exponent)
        : Double(index * mantissa) * powerOfTen(exponent)
    }
  }
}
