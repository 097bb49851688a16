import Foundation
import LabCore

/// How a column's values are shown; the stored values stay exact.
package enum ColumnFormat: Hashable, Sendable {
  case text
  /// Whole numbers with digits grouped by thousands: "98 688".
  case integer
  /// A fixed number of decimals.
  case number(digits: Int)
  /// A share in 0 ... 1 shown as a percentage with `digits` decimals: "56.6 %".
  case percent(digits: Int)
  /// Three significant digits and a suffix: "98.7k".
  case count
  /// A power of ten: "1.2×10¹⁵".
  case scientific

  /// Whether values line up on the right and sort as numbers.
  package var isNumeric: Bool { self != .text }

  /// The value as a reader sees it.
  package func string(_ cell: Cell) -> String {
    guard let value = cell.finite else {
      if case .missing = cell { return "–" }
      return cell.plain
    }
    return string(value)
  }

  /// A number as a reader sees it.
  package func string(_ value: Double) -> String {
    switch self {
    case .text: Cell.number(value).plain
    case .integer: Self.grouped(value)
    case .number(let digits): Self.fixed(value, digits)
    case .percent(let digits): Self.fixed(value * 100, digits) + "\u{202F}%"
    case .count: value < 0 ? "−" + Readable.count(-value) : Readable.count(value)
    case .scientific: Self.powerOfTen(value)
    }
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    let text = String(format: "%.\(max(0, digits))f", abs(value))
    let isZero = text.allSatisfy { "0.".contains($0) }
    return value < 0 && !isZero ? "−" + text : text
  }

  private static func grouped(_ value: Double) -> String {
    let digits = Array(fixed(abs(value), 0))
    guard digits.count > 4 else { return fixed(value, 0) }
    var text = value < 0 ? "−" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "\u{202F}" }
      text.append(digit)
    }
    return text
  }

  private static func powerOfTen(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    let parts = String(format: "%.1e", abs(value)).split(separator: "e")
    let exponent = parts.last.flatMap { Int($0) } ?? 0
    let mantissa = parts.first.map(String.init) ?? ""
    let sign = value < 0 ? "−" : ""
    return "\(sign)\(mantissa)×10\(superscript(exponent))"
  }

  private static func superscript(_ exponent: Int) -> String {
    let digits: [Character: Character] = [
      "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸",
      "9": "⁹", "-": "⁻",
    ]
    return String("\(exponent)".compactMap { digits[$0] })
  }
}

/// One column of a figure's data or of a table.
package struct Column: Hashable, Sendable {
  /// The key in CSV and JSON: lower-case letters, digits and underscores.
  package var name: String
  /// The words a reader sees.
  package var title: String
  package var format: ColumnFormat

  package init(_ name: String, _ title: String, _ format: ColumnFormat = .text) {
    self.name = name
    self.title = title
    self.format = format
  }
}
