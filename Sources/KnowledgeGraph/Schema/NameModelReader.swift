import Foundation
import LabCore

extension NameModel {
  init(_ node: SchemaNode) throws {
    let models = ["multi_part", "opaque", "year", "integer", "quantity", "date", "code"]
    let model = try node.required("model", example: "multi_part")
    switch try model.text() {
    case "multi_part": self = try .multiPart(node)
    case "opaque":
      try node.allow(["model", "prefix", "digits", "start"])
      self = .opaque(
        prefix: try node.required("prefix", example: "person-").name(),
        digits: try node.optional("digits")?.integer(in: 1...18) ?? 6,
        start: try node.optional("start")?.integer(in: 0...1_000_000_000) ?? 1)
    case "year":
      self = try .interval(node, in: 1...9999)
    case "integer":
      self = try .interval(node, in: -1_000_000_000_000...1_000_000_000_000)
    case "quantity": self = try .quantity(node)
    case "date": self = try .dates(node)
    case "code":
      try node.allow(["model", "pattern"])
      let pattern = try node.required("pattern", example: "AA-999")
      guard try pattern.name().contains(where: { $0 == "A" || $0 == "9" }) else {
        throw pattern.failure("needs an 'A' (any letter) or a '9' (any digit)")
      }
      self = .code(pattern: try pattern.name())
    case let other:
      throw model.failure("is no name model: '\(other)'\(Suggestion.hint(for: other, in: models))")
    }
  }

  private static func multiPart(_ node: SchemaNode) throws -> NameModel {
    try node.allow(["model", "parts", "pool", "syllables"])
    let parts = try node.optional("parts")?.integers(in: 1...8) ?? [1]
    let pool = try node.required("pool", example: "50")
    let pools = try pool.integers(in: 1...1_000_000)
    let longest = parts.max() ?? 1
    guard pools.count == 1 || pools.count == longest else {
      throw pool.failure(
        "lists \(pools.count) pools for names of \(longest) parts; give one number for a shared pool, "
          + "or one a part")
    }
    return .multiPart(
      parts: parts, pools: pools,
      syllables: try node.optional("syllables")?.integer(in: 1...6) ?? 2)
  }

  private static func interval(_ node: SchemaNode, in range: ClosedRange<Int>) throws -> NameModel {
    try node.allow(["model", "from", "to"])
    let from = try node.required("from", example: "1900").integer(in: range)
    let to = try node.required("to", example: "1999").integer(in: range)
    guard from <= to else { throw node.failure("has from \(from) after to \(to); swap them") }
    return .integer(from: from, to: to)
  }

  private static func quantity(_ node: SchemaNode) throws -> NameModel {
    try node.allow(["model", "from", "to", "step", "decimals", "unit"])
    let decimals = try node.optional("decimals")?.integer(in: 0...6) ?? 0
    let factor = pow(10, Double(decimals))
    func scaled(_ key: String, example: String) throws -> Int {
      let value = try node.required(key, example: example)
      let number = try value.number("between -1e9 and 1e9") { abs($0) <= 1e9 } * factor
      guard abs(number - number.rounded()) < 1e-6 * factor else {
        throw value.failure("has more than \(decimals) decimals; raise decimals")
      }
      return Int(number.rounded())
    }
    let from = try scaled("from", example: "150")
    let to = try scaled("to", example: "210")
    let step = node.optional("step") == nil ? 1 : try scaled("step", example: "1")
    guard from <= to else { throw node.failure("has from after to; swap them") }
    guard step > 0 else { throw node.failure("has a step that is not above 0") }
    return .quantity(
      from: from, to: to, step: step, decimals: decimals,
      unit: try node.required("unit", example: "cm").name())
  }

  private static func dates(_ node: SchemaNode) throws -> NameModel {
    try node.allow(["model", "from", "to", "days"])
    func day(_ key: String, example: String) throws -> Int {
      let value = try node.required(key, example: example)
      guard let day = CalendarDay.number(of: try value.text()) else {
        throw value.failure("must be a date of the form YYYY-MM-DD, not '\(try value.text())'")
      }
      return day
    }
    let from = try day("from", example: "1900-01-01")
    let to = try day("to", example: "1999-12-31")
    guard from <= to else { throw node.failure("has from after to; swap them") }
    guard let days = node.optional("days") else { return .date(from: from, to: to) }
    let (first, last) = (CalendarDay.text(of: from), CalendarDay.text(of: to))
    guard first.hasSuffix("-01-01"), last.hasSuffix("-12-31"), let firstYear = Int(first.prefix(4)),
      let lastYear = Int(last.prefix(4))
    else { throw days.failure("needs whole years: from YYYY-01-01 to YYYY-12-31") }
    return .monthDays(from: firstYear, to: lastYear, days: try days.integer(in: 1...28))
  }

  /// How many different names a literal model has; nil for models that invent names.
  var literalCapacity: Int? {
    switch self {
    case .multiPart, .opaque: nil
    case .integer(let from, let to), .date(let from, let to): to - from + 1
    case .monthDays(let from, let to, let days): (to - from + 1) * 12 * days
    case .quantity(let from, let to, let step, _, _): (to - from) / step + 1
    case .code(let pattern):
      pattern.reduce(1) { total, character in
        let choices = character == "A" ? 26 : character == "9" ? 10 : 1
        return total > 1 << 50 ? total : total * choices
      }
    }
  }
}

/// Days of the proleptic Gregorian calendar as numbers, without a time zone.
///
/// After H. Hinnant, "chrono-compatible low-level date algorithms" (days_from_civil).
enum CalendarDay {
  /// The day number of "YYYY-MM-DD" (1970-01-01 is 0), or nil where there is no such day.
  static func number(of text: String) -> Int? {
    let fields = text.split(separator: "-", omittingEmptySubsequences: false)
    guard fields.map(\.utf8.count) == [4, 2, 2], let year = Int(fields[0]),
      let month = Int(fields[1]), let day = Int(fields[2]), (1...9999).contains(year),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let number = era * 146_097 + dayOfEra - 719_468
    return self.text(of: number) == text ? number : nil
  }

  /// "YYYY-MM-DD" for a day number of the years 1 to 9999.
  static func text(of number: Int) -> String {
    let shifted = number + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return text(year, month, day)
  }

  static func text(_ year: Int, _ month: Int, _ day: Int) -> String {
    "\(year.padded(to: 4))-\(month.padded(to: 2))-\(day.padded(to: 2))"
  }
}
