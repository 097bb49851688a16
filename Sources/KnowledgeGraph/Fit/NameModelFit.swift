import Foundation

/// The name model that a type's names look like.
enum NameModelFit {
  /// The model, which can name at least `count` entities, and what the names were taken for.
  static func model(of names: [String], count: Int, type: String) -> (NameModel, String) {
    guard !names.isEmpty else { return (fallback(type), "no names") }
    for (model, words) in [
      years(names), dates(names), quantities(names), numbered(names), codes(names),
    ]
    .compactMap({ $0 }) {
      if let capacity = model.literalCapacity, capacity < count { continue }
      return (model, words)
    }
    return (multiPart(names, count: count), "words")
  }

  private static func fallback(_ type: String) -> NameModel {
    .opaque(prefix: "\(type)-", digits: 6, start: 1)
  }

  private static func isDigits(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
  }

  /// Whole numbers, years among them, written without leading zeros.
  private static func years(_ names: [String]) -> (NameModel, String)? {
    var values: [Int] = []
    for name in names {
      guard let value = Int(name), String(value) == name, value.magnitude <= 1_000_000_000_000
      else {
        return nil
      }
      values.append(value)
    }
    guard let low = values.min(), let high = values.max() else { return nil }
    let isYear = low >= 1000 && high <= 2100
    return (.integer(from: low, to: high), isYear ? "years" : "whole numbers")
  }

  private static func dates(_ names: [String]) -> (NameModel, String)? {
    var days: [Int] = []
    for name in names {
      guard let day = CalendarDay.number(of: name) else { return nil }
      days.append(day)
    }
    guard let first = days.min(), let last = days.max() else { return nil }
    return (.date(from: first, to: last), "dates")
  }

  /// Numbers with one unit: "172.5 cm".
  private static func quantities(_ names: [String]) -> (NameModel, String)? {
    var unit: Substring?
    var numbers: [(whole: Substring, fraction: Substring)] = []
    for name in names {
      let parts = name.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[1].isEmpty, unit == nil || unit == parts[1] else { return nil }
      unit = parts[1]
      let pieces = parts[0].split(separator: ".", omittingEmptySubsequences: false)
      guard pieces.count <= 2, isDigits(pieces[0]), pieces[0].count <= 9,
        pieces.count == 1 || isDigits(pieces[1])
      else { return nil }
      numbers.append((pieces[0], pieces.count == 2 ? pieces[1] : ""))
    }
    let decimals = numbers.map(\.fraction.count).max() ?? 0
    guard decimals <= 6, let unit else { return nil }
    let values = numbers.compactMap { number in
      Int(
        number.whole + number.fraction
          + String(repeating: "0", count: decimals - number.fraction.count))
    }
    guard values.count == names.count, let low = values.min(), let high = values.max() else {
      return nil
    }
    let step = values.reduce(0) { greatestDivisor($0, $1 - low) }
    return (
      .quantity(from: low, to: high, step: max(1, step), decimals: decimals, unit: String(unit)),
      "numbers with a unit"
    )
  }

  private static func greatestDivisor(_ first: Int, _ second: Int) -> Int {
    var (a, b) = (abs(first), abs(second))
    while b > 0 { (a, b) = (b, a % b) }
    return a
  }

  /// A prefix and a number of fixed width: "C-000123".
  private static func numbered(_ names: [String]) -> (NameModel, String)? {
    let first = names[0]
    let digits = first.utf8.reversed().prefix { (48...57).contains($0) }.count
    guard (1...18).contains(digits), names.count > 1 else { return nil }
    let prefix = first.dropLast(digits)
    guard !prefix.isEmpty else { return nil }
    var numbers: [Int] = []
    for name in names {
      guard name.utf8.count == first.utf8.count, name.hasPrefix(prefix),
        let number = Int(name.suffix(digits)), isDigits(name.suffix(digits))
      else { return nil }
      numbers.append(number)
    }
    guard let low = numbers.min(), let high = numbers.max(), low <= 1_000_000_000,
      high - low < 2 * names.count
    else { return nil }
    return (.opaque(prefix: String(prefix), digits: digits, start: low), "numbered")
  }

  /// Capital letters and digits at the same places, anything else the same throughout.
  private static func codes(_ names: [String]) -> (NameModel, String)? {
    func kind(_ character: Character) -> Character {
      if let value = character.asciiValue {
        if (48...57).contains(value) { return "9" }
        if (65...90).contains(value) { return "A" }
      }
      return character
    }
    let pattern = String(names[0].map(kind))
    guard pattern.count <= 40, pattern.contains(where: { $0 == "A" || $0 == "9" }),
      !pattern.contains(where: \.isLowercase), !pattern.contains(" "),
      names.allSatisfy({ $0.count == pattern.count && String($0.map(kind)) == pattern })
    else { return nil }
    return (.code(pattern: pattern), "codes")
  }

  /// As many words a name, and as often shared between names, as these.
  private static func multiPart(_ names: [String], count: Int) -> NameModel {
    let words = names.map { $0.split(separator: " ").prefix(8) }
    var lengths = [Int](repeating: 0, count: 9)
    for name in words { lengths[max(1, name.count)] += 1 }
    // Ten names in turn, of lengths in about the same shares; every length that is common has one.
    var parts: [Int] = []
    var owed = 0.0
    for length in 1...8 {
      owed += 10 * Double(lengths[length]) / Double(names.count)
      while owed >= 0.5 {
        parts.append(length)
        owed -= 1
      }
    }
    if parts.isEmpty { parts = [1] }
    if Set(parts).count == 1 { parts = [parts[0]] }
    let longest = parts.max() ?? 1
    var pools = (0..<longest).map { position in
      max(1, Set(words.compactMap { $0.count > position ? $0[position] : nil }).count)
    }
    for length in Set(parts).sorted() {
      let needed = MultiPartNames.count(ofLength: length, parts: parts, of: count)
      var position = 0
      while MultiPartNames.capacity(ofLength: length, pools: pools) < needed {
        pools[position % length] = pools[position % length] * 5 / 4 + 1
        position += 1
      }
    }
    // A pool that stands alone is taken for all positions.
    let total = pools.reduce(0, +)
    var syllables = 2
    while syllables < 6, WordPool.capacity(syllables: syllables) < 8 * total { syllables += 1 }
    return .multiPart(parts: parts, pools: pools, syllables: syllables)
  }
}
