import LabCore

/// The names of one entity type: a pure function of the entity's number within the type.
enum Names: Sendable {
  case multiPart(MultiPartNames)
  case opaque(prefix: String, digits: Int, start: Int)
  case integer(from: Int, order: IndexPermutation?)
  case date(from: Int, order: IndexPermutation?)
  case monthDays(from: Int, days: Int, order: IndexPermutation?)
  case quantity(Quantity, order: IndexPermutation?)
  case code(pattern: String, order: IndexPermutation?)

  init(_ type: EntityTypeSchema, seed: Seed, words: inout WordPool) throws {
    let stream = "graph/names/\(type.name)"
    // All values of a literal keep their natural order; some of them are a random choice.
    func order(_ capacity: Int) -> IndexPermutation? {
      type.count < capacity
        ? IndexPermutation(count: capacity, stream: seed.stream("\(stream)/order")) : nil
    }
    let capacity = type.names.literalCapacity ?? 0
    switch type.names {
    case .multiPart:
      self = .multiPart(try MultiPartNames(type, seed: seed, words: &words))
    case .opaque(let prefix, let digits, let start):
      self = .opaque(prefix: prefix, digits: digits, start: start)
    case .integer(let from, _): self = .integer(from: from, order: order(capacity))
    case .date(let from, _): self = .date(from: from, order: order(capacity))
    case .monthDays(let from, _, let days):
      self = .monthDays(from: from, days: days, order: order(capacity))
    case .quantity(let from, _, let step, let decimals, let unit):
      self = .quantity(
        Quantity(from: from, step: step, decimals: decimals, unit: unit), order: order(capacity))
    case .code(let pattern): self = .code(pattern: pattern, order: order(capacity))
    }
  }

  subscript(index: Int) -> String {
    switch self {
    case .multiPart(let names): names[index]
    case .opaque(let prefix, let digits, let start): prefix + Self.pad(start + index, digits)
    case .integer(let from, let order): String(from + (order?[index] ?? index))
    case .date(let from, let order): CalendarDay.text(of: from + (order?[index] ?? index))
    case .monthDays(let from, let days, let order):
      Self.monthDay(order?[index] ?? index, from: from, days: days)
    case .quantity(let quantity, let order): quantity.text(order?[index] ?? index)
    case .code(let pattern, let order): Self.code(pattern, order?[index] ?? index)
    }
  }

  private static func monthDay(_ index: Int, from: Int, days: Int) -> String {
    let (month, day) = index.quotientAndRemainder(dividingBy: days)
    return "\(pad(from + month / 12, 4))-\(pad(month % 12 + 1, 2))-\(pad(day + 1, 2))"
  }

  private static func pad(_ value: Int, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
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

/// A number of equal steps with a unit.
struct Quantity: Sendable {
  let from: Int
  let step: Int
  let decimals: Int
  let unit: String

  func text(_ index: Int) -> String {
    let value = from + index * step
    guard decimals > 0 else { return "\(value) \(unit)" }
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let sign = value < 0 ? "-" : ""
    return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals)) \(unit)"
  }
}

/// Names of invented words: every entity has its own combination of words from shared pools.
struct MultiPartNames: Sendable {
  private let parts: [Int]
  /// Words by position in the name.
  private let pools: [[String]]
  /// By length of the name: which combination the k-th name of that length is.
  private let orders: [Int: IndexPermutation]

  init(_ type: EntityTypeSchema, seed: Seed, words: inout WordPool) throws {
    guard case .multiPart(let parts, let pools, let syllables) = type.names else {
      preconditionFailure("not a multi-part name model")
    }
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
