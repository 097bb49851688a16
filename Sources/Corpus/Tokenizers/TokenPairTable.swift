/// Numbers by pair of tokens: a hash table in flat arrays.
struct TokenPairTable: Sendable {
  /// No pair of tokens is this.
  private static let free = UInt64.max

  private var keys = [UInt64](repeating: Self.free, count: 1024)
  private var values = [Int32](repeating: 0, count: 1024)
  private(set) var count = 0

  /// A pair of ids as one number whose order is that of the pair.
  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  subscript(pair: UInt64) -> Int32? {
    var slot = slot(of: pair)
    while keys[slot] != pair {
      if keys[slot] == Self.free { return nil }
      slot = (slot + 1) & (keys.count - 1)
    }
    return values[slot]
  }

  /// The number of a pair, `next` where it is new.
  mutating func insert(_ pair: UInt64, next: Int32) -> Int32 {
    var slot = slot(of: pair)
    while keys[slot] != pair {
      if keys[slot] == Self.free {
        keys[slot] = pair
        values[slot] = next
        count += 1
        if 2 * count > keys.count { grow() }
        return next
      }
      slot = (slot + 1) & (keys.count - 1)
    }
    return values[slot]
  }

  private func slot(of pair: UInt64) -> Int {
    let mixed = (pair ^ (pair >> 29)) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 24) & (keys.count - 1)
  }

  private mutating func grow() {
    let (oldKeys, oldValues) = (keys, values)
    keys = [UInt64](repeating: Self.free, count: 2 * oldKeys.count)
    values = [Int32](repeating: 0, count: 2 * oldKeys.count)
    for (index, pair) in oldKeys.enumerated() where pair != Self.free {
      var slot = slot(of: pair)
      while keys[slot] != Self.free { slot = (slot + 1) & (keys.count - 1) }
      keys[slot] = pair
      values[slot] = oldValues[index]
    }
  }
}

/// A binary heap with the smallest value on top.
struct BinaryHeap<Element: Comparable> {
  private var elements: [Element] = []

  var isEmpty: Bool { elements.isEmpty }

  mutating func removeAll() { elements.removeAll(keepingCapacity: true) }

  mutating func push(_ element: Element) {
    elements.append(element)
    var child = elements.count - 1
    while child > 0, elements[child] < elements[(child - 1) / 2] {
      elements.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Element? {
    guard let last = elements.indices.last else { return nil }
    elements.swapAt(0, last)
    let top = elements.removeLast()
    var parent = 0
    while true {
      var first = parent
      let (left, right) = (2 * parent + 1, 2 * parent + 2)
      if left < elements.count, elements[left] < elements[first] { first = left }
      if right < elements.count, elements[right] < elements[first] { first = right }
      if first == parent { return top }
      elements.swapAt(parent, first)
      parent = first
    }
  }
}
