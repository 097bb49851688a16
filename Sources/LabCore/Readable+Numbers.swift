import Foundation

extension Readable {
  /// "12.3 %", or "-" where there is no value.
  package static func percent(_ share: Double?) -> String {
    share.map { fixed(100 * $0, 1) + " %" } ?? "-"
  }

  /// "0.1234", or "1.2e-05" of what is too small for that.
  package static func probability(_ value: Double) -> String {
    value >= 0.0001 || value == 0 ? fixed(value, 4) : String(format: "%.1e", value)
  }

  /// So many decimals, or "-" where there is no value.
  package static func fixed(_ value: Double?, _ decimals: Int) -> String {
    value.map { String(format: "%.\(decimals)f", $0) } ?? "-"
  }

  /// "1.2 to 3.4" of two shares in per cent, or "-" where there is no interval.
  package static func interval(
    _ lower: Double?, _ upper: Double?, _ format: String = "%.1f", scale: Double = 100
  ) -> String {
    guard let lower, let upper else { return "-" }
    return "\(String(format: format, scale * lower)) to \(String(format: format, scale * upper))"
  }

  /// Four significant digits without exponent for everyday sizes: "0.1203", "41.5", "1200".
  package static func number(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    return String(format: abs(value) >= 1000 ? "%.0f" : "%.4g", value)
  }
}

extension Int {
  /// Digits in groups of three: "12,345".
  package var grouped: String {
    let digits = String(magnitude)
    var text = ""
    for (offset, digit) in digits.enumerated() {
      if offset > 0, (digits.count - offset) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return self < 0 ? "-" + text : text
  }
}
