import Foundation

/// Durations, counts and shares as people read them.
package enum Readable {
  /// "0:42", "3:05" or "1:02:09".
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e15 else { return "?" }
    let total = Int(seconds.rounded())
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
  }

  /// "950", "12.3k", "4.56m", "1.61b": three significant digits.
  package static func count(_ value: Double) -> String {
    let scales: [(Double, String)] = [(1e12, "t"), (1e9, "b"), (1e6, "m"), (1e3, "k")]
    for (scale, suffix) in scales where value >= scale {
      return significant(value / scale) + suffix
    }
    return significant(value)
  }

  private static func significant(_ value: Double) -> String {
    let places = value >= 100 || value == value.rounded() ? 0 : value >= 10 ? 1 : 2
    return String(format: "%.\(places)f", value)
  }

  /// "950 B", "12.3 KiB", "4.56 MiB", "1.61 GiB": three significant digits.
  package static func bytes(_ count: Int) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
    guard count >= 1024 else { return "\(count) B" }
    var value = Double(count) / 1024
    var index = 0
    while value >= 1000, index < units.count - 1 {
      value /= 1024
      index += 1
    }
    let places = value >= 100 ? 0 : value >= 10 ? 1 : 2
    return String(format: "%.\(places)f \(units[index])", value)
  }

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
