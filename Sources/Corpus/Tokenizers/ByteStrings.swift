/// Different byte strings, numbered in the order in which they came: a hash table in flat arrays.
///
/// Strings are equal byte for byte, which Swift's `String` is not.
struct ByteStrings: Sendable {
  private var bytes: [UInt8] = []
  private var starts: [Int] = [0]
  /// Numbers of strings, -1 where a slot is free; a power of two of them, at least half free.
  private var slots = [Int32](repeating: -1, count: 16)

  var count: Int { starts.count - 1 }

  /// The bytes of a string.
  subscript(number: Int) -> ArraySlice<UInt8> { bytes[starts[number]..<starts[number + 1]] }

  /// The number of the string that is a part of `text`, or nil.
  func number(of part: Range<Int>, in text: Span<UInt8>) -> Int32? {
    var slot = Self.hash(part, in: text) & (slots.count - 1)
    while slots[slot] >= 0 {
      if isEqual(Int(slots[slot]), part, in: text) { return slots[slot] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The number of the string that is a part of `text`, the next one where it is new.
  mutating func insert(_ part: Range<Int>, in text: Span<UInt8>) -> Int {
    var slot = Self.hash(part, in: text) & (slots.count - 1)
    while slots[slot] >= 0 {
      if isEqual(Int(slots[slot]), part, in: text) { return Int(slots[slot]) }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(count)
    for index in part { bytes.append(text[index]) }
    starts.append(bytes.count)
    if 2 * count > slots.count { grow() }
    return count - 1
  }

  /// The number of a whole text, the next one where it is new.
  mutating func insert(_ text: String) -> Int {
    let view = text.utf8
    let span = view.span
    return insert(0..<span.count, in: span)
  }

  private mutating func grow() { slots = filledSlots(2 * slots.count) }

  /// All numbers in their places among `size` slots.
  private func filledSlots(_ size: Int) -> [Int32] {
    var filled = [Int32](repeating: -1, count: size)
    let all = bytes.span
    for number in 0..<count {
      var slot = Self.hash(starts[number]..<starts[number + 1], in: all) & (size - 1)
      while filled[slot] >= 0 { slot = (slot + 1) & (size - 1) }
      filled[slot] = Int32(number)
    }
    return filled
  }

  private func isEqual(_ number: Int, _ part: Range<Int>, in text: Span<UInt8>) -> Bool {
    let start = starts[number]
    guard starts[number + 1] - start == part.count else { return false }
    for offset in 0..<part.count where bytes[start + offset] != text[part.lowerBound + offset] {
      return false
    }
    return true
  }

  /// FNV-1a, with its upper half folded in; not negative.
  private static func hash(_ part: Range<Int>, in text: Span<UInt8>) -> Int {
    var state: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in part { state = (state ^ UInt64(text[index])) &* 0x0000_0100_0000_01B3 }
    return Int(truncatingIfNeeded: (state ^ (state >> 29)) & 0x7FFF_FFFF_FFFF_FFFF)
  }
}

/// Texts in the order of their UTF-8 bytes, which is not that of Swift's `<` for texts in other
/// normal forms.
enum ByteOrder {
  /// Indices of `texts` in order; equal ones in their own order.
  static func sorted(_ texts: [String]) -> [Int] {
    // Most comparisons end within the first eight bytes.
    var keys: [(prefix: UInt64, index: Int)] = []
    keys.reserveCapacity(texts.count)
    for (index, text) in texts.enumerated() {
      var prefix: UInt64 = 0
      var count = 0
      for byte in text.utf8.prefix(8) {
        prefix = prefix << 8 | UInt64(byte)
        count += 1
      }
      if count < 8 { prefix <<= UInt64(8 * (8 - count)) }
      keys.append((prefix, index))
    }
    keys.sort { a, b in
      if a.prefix != b.prefix { return a.prefix < b.prefix }
      let (first, second) = (texts[a.index].utf8, texts[b.index].utf8)
      if first.lexicographicallyPrecedes(second) { return true }
      return a.index < b.index && !second.lexicographicallyPrecedes(first)
    }
    return keys.map(\.index)
  }
}
