/// One value of a figure's data or of a table.
package enum Cell: Hashable, Sendable {
  case text(String)
  case integer(Int)
  case number(Double)
  /// Not measured; empty in CSV, null in JSON, "–" on the page.
  case missing

  /// A number, or `missing` when there is none.
  package init(_ value: Double?) { self = value.map(Cell.number) ?? .missing }

  /// An integer, or `missing` when there is none.
  package init(_ value: Int?) { self = value.map(Cell.integer) ?? .missing }

  /// A text, or `missing` when there is none.
  package init(_ value: String?) { self = value.map(Cell.text) ?? .missing }

  /// The value on a continuous axis; nil for text, missing values, NaN and infinities.
  package var finite: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value.isFinite ? value : nil
    case .text, .missing: nil
    }
  }

  /// The exact value as text: what CSV holds and what names a series or a panel.
  ///
  /// Numbers are the shortest digits that read back as the same number; a whole number has no ".0".
  package var plain: String {
    switch self {
    case .text(let value): value
    case .integer(let value): "\(value)"
    case .number(let value): Self.shortest(value)
    case .missing: ""
    }
  }

  private static func shortest(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

extension Cell: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
}
