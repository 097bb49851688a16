import Foundation

/// The name model that a type's names look like.
enum NameModelFit {
  /// The model, which can name at least `count` entities.
  static func model(of names: [String], count: Int, type: String) -> NameModel {
    guard !names.isEmpty else { return .opaque(prefix: "\(type)-", digits: 6, start: 1) }
    return [integers(names), dates(names), quantities(names), numbered(names), codes(names)]
      .compactMap { $0 }.first { $0.literalCapacity ?? count >= count }
      ?? multiPart(names, count: count)
  }

  private static func isDigits(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
  }

  /// Whole numbers, years among them, written without leading zeros.
  private static func integers(_ names: [String]) -> NameModel? {
    range(names) { name in
      Int(name).flatMap { String($0) == name && $0.magnitude <= 1_000_000_000_000 ? $0 : nil }
    }.map { .integer(from: $0.lowerBound, to: $0.upperBound) }
  }

  private static func dates(_ names: [String]) -> NameModel? {
    range(names, CalendarDay.number).map { .date(from: $0.lowerBound, to: $0.upperBound) }
  }

  /// The smallest to the largest number that the names stand for; nil where one stands for none.
  private static func range(
    _ names: [String], _ number: (String) -> Int?
  ) -> ClosedRange<Int>? {
    var values: [Int] = []
    for name in names {
      guard let value = number(name) else { return nil }
      values.append(value)
    }
    guard let low = values.min(), let high = values.max() else { return nil }
    return low...high
  }

  /// Numbers with one unit: "172.5 cm".
  private static func quantities(_ names: [String]) -> NameModel? {
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
    return .quantity(
      from: low, to: high, step: max(1, step), decimals: decimals, unit: String(unit))
  }

  private static func greatestDivisor(_ first: Int, _ second: Int) -> Int {
    var (a, b) = (abs(first), abs(second))
    while b > 0 { (a, b) = (b, a % b) }
    return a
  }

  /// A prefix and a number of fixed width: "C-000123".
  private static func numbered(_ names: [String]) -> NameModel? {
    let first = names[0]
    let digits = first.utf8.reversed().prefix { (48...57).contains($0) }.count
    guard (1...18).contains(digits), names.count > 1 else { return nil }
    let prefix = first.dropLast(digits)
    guard !prefix.isEmpty else { return nil }
    let numbers = range(names) { name in
      name.utf8.count == first.utf8.count && name.hasPrefix(prefix) && isDigits(name.suffix(digits))
        ? Int(name.suffix(digits)) : nil
    }
    guard let numbers, numbers.lowerBound <= 1_000_000_000, numbers.count <= 2 * names.count else {
      return nil
    }
    return .opaque(prefix: String(prefix), digits: digits, start: numbers.lowerBound)
  }

  /// Capital letters and digits at the same places, anything else the same throughout.
  private static func codes(_ names: [String]) -> NameModel? {
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
    return .code(pattern: pattern)
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
