import LabCore

/// A seeded one-to-one map of 0 ..< count onto itself, in constant memory.
///
/// A four-round Feistel network over the next even power of two, walked until it lands inside
/// (Black & Rogaway 2002), so that distinct names need no table of those already used.
struct IndexPermutation: Sendable {
  private let count: UInt64
  private let halfBits: UInt64
  private let keys: [UInt64]

  init(count: Int, stream: RandomStream) {
    var stream = stream
    let range = UInt64(max(1, count))
    let bits = UInt64(64 - (range - 1).leadingZeroBitCount)
    self.count = range
    halfBits = max(1, (bits + 1) / 2)
    keys = (0..<4).map { _ in stream.next() }
  }

  subscript(index: Int) -> Int {
    precondition(index >= 0 && UInt64(index) < count, "index outside the permutation")
    var value = UInt64(index)
    repeat { value = encrypted(value) } while value >= count
    return Int(value)
  }

  private func encrypted(_ value: UInt64) -> UInt64 {
    let mask = (UInt64(1) << halfBits) - 1
    var left = value >> halfBits
    var right = value & mask
    for key in keys { (left, right) = (right, left ^ (NameHash.mix(key, right) & mask)) }
    return left << halfBits | right
  }
}
