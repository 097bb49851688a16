import LabCore

/// The names of one entity type: a pure function of the entity's number within the type.
struct Names: Sendable {
  /// How many entities share their name with another: an even number.
  private let ambiguousCount: Int
  private let shuffle: IndexPermutation?
  private let model: NameModel
  /// Nil for models of other names than those of invented words.
  private let words: MultiPartNames?
  /// Some of a literal's values, chosen at random; nil where all are used, in their natural order.
  private let order: IndexPermutation?

  init(_ type: EntityTypeSchema, seed: Seed, words pool: inout WordPool) throws {
    ambiguousCount = Self.ambiguousCount(of: type)
    shuffle =
      ambiguousCount > 0
      ? IndexPermutation(
        count: type.count, stream: seed.stream("graph/names/\(type.name)/ambiguous")) : nil
    model = type.names
    words = try MultiPartNames(type, seed: seed, words: &pool)
    order = model.literalCapacity.flatMap { capacity in
      type.count < capacity
        ? IndexPermutation(
          count: capacity, stream: seed.stream("graph/names/\(type.name)/order")) : nil
    }
  }

  /// The share that the schema asks for, as a whole number of pairs.
  static func ambiguousCount(of type: EntityTypeSchema) -> Int {
    Int((Double(type.count) * (type.ambiguous ?? 0) / 2).rounded()) * 2
  }

  subscript(index: Int) -> String {
    guard let place = shuffle?[index] else { return name(index) }
    return name(place < ambiguousCount ? place / 2 : place - ambiguousCount / 2)
  }

  private func name(_ index: Int) -> String {
    if let words { return words[index] }
    let place = order?[index] ?? index
    switch model {
    case .multiPart: preconditionFailure("names of several parts have words")
    case .opaque(let prefix, let digits, let start):
      return prefix + (start + index).padded(to: digits)
    case .integer(let from, _): return String(from + place)
    case .date(let from, _): return CalendarDay.text(of: from + place)
    case .monthDays(let from, _, let days):
      let (month, day) = place.quotientAndRemainder(dividingBy: days)
      return CalendarDay.text(from + month / 12, month % 12 + 1, day + 1)
    case .quantity(let from, _, let step, let decimals, let unit):
      return "\(Self.decimal(from + place * step, decimals)) \(unit)"
    case .code(let pattern): return Self.code(pattern, place)
    }
  }

  /// A number of so many decimals, given without the point.
  static func decimal(_ value: Int, _ decimals: Int) -> String {
    guard decimals > 0 else { return String(value) }
    let digits = abs(value).padded(to: decimals + 1)
    return "\(value < 0 ? "-" : "")\(digits.dropLast(decimals)).\(digits.suffix(decimals))"
  }

  private static func code(_ pattern: String, _ index: Int) -> String {
    var rest = index
    var characters: [Character] = []
    for character in pattern.reversed() {
      switch character {
      case "A":
        characters.append(Character(Unicode.Scalar(UInt8(65 + rest % 26))))
        rest /= 26
      case "9":
        characters.append(Character(Unicode.Scalar(UInt8(48 + rest % 10))))
        rest /= 10
      default: characters.append(character)
      }
    }
    return String(characters.reversed())
  }
}

extension Int {
  /// The number, not below 0, with zeros in front of it to at least so many digits.
  func padded(to digits: Int) -> String {
    let text = String(self)
    return String(repeating: "0", count: Swift.max(0, digits - text.utf8.count)) + text
  }
}

/// Names of invented words: every entity has its own combination of words from shared pools.
struct MultiPartNames: Sendable {
  private let parts: [Int]
  /// Words by position in the name.
  private let pools: [[String]]
  /// By length of the name: which combination the k-th name of that length is.
  private let orders: [Int: IndexPermutation]

  /// Nil where the type's names are of another model.
  init?(_ type: EntityTypeSchema, seed: Seed, words: inout WordPool) throws {
    guard case .multiPart(let parts, let pools, let syllables) = type.names else { return nil }
    self.parts = parts
    let drawn = try pools.enumerated().map { position, size in
      var stream = seed.stream("graph/words/\(type.name)/\(position)")
      return try words.draw(
        size, syllables: syllables, from: &stream, for: "entity_types.\(type.name).name")
    }
    let longest = parts.max() ?? 1
    self.pools = (0..<longest).map { drawn[drawn.count == 1 ? 0 : $0] }
    var orders: [Int: IndexPermutation] = [:]
    for length in Set(parts) {
      orders[length] = IndexPermutation(
        count: Self.capacity(ofLength: length, pools: pools),
        stream: seed.stream("graph/names/\(type.name)/\(length)"))
    }
    self.orders = orders
  }

  subscript(index: Int) -> String {
    let cycle = index / parts.count
    let place = index % parts.count
    let length = parts[place]
    let before = parts[..<place].count { $0 == length }
    let ordinal = cycle * parts.count { $0 == length } + before
    guard let order = orders[length] else { preconditionFailure("no names of this length") }
    var combination = order[ordinal]
    var words: [String] = []
    for pool in pools[..<length] {
      words.append(pool[combination % pool.count])
      combination /= pool.count
    }
    return words.joined(separator: " ")
  }

  /// How many of the first `count` entities have a name of this length.
  static func count(ofLength length: Int, parts: [Int], of count: Int) -> Int {
    let whole = count / parts.count * parts.count { $0 == length }
    return whole + parts[..<(count % parts.count)].count { $0 == length }
  }

  /// How many different names of this length the pools give, at most 2^60.
  static func capacity(ofLength length: Int, pools: [Int]) -> Int {
    (0..<length).reduce(1) { total, position in
      let size = pools[pools.count == 1 ? 0 : position]
      let (product, overflow) = total.multipliedReportingOverflow(by: size)
      return overflow ? 1 << 60 : min(product, 1 << 60)
    }
  }
}
