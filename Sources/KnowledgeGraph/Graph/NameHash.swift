/// 64-bit hashes of names: the same on every machine, in every process and in every version.
package enum NameHash {
  /// FNV-1a over the UTF-8 bytes, with MurmurHash3's finaliser so that all bits are good.
  package static func hash(_ text: String) -> UInt64 { hash(bytes: text.utf8) }

  static func hash(_ name: ArraySlice<UInt8>) -> UInt64 { hash(bytes: name) }

  @inline(__always)
  private static func hash(bytes: some Sequence<UInt8>) -> UInt64 {
    var state: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return finish(state)
  }

  /// One hash from two, whose order matters.
  package static func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
    finish(finish(first &+ 0x9E37_79B9_7F4A_7C15) ^ second)
  }

  /// A number in [0, 1) from the upper 53 bits of a hash.
  package static func unit(_ hash: UInt64) -> Double { Double(hash >> 11) * 0x1p-53 }

  /// The rank of a query in [0, 1), from the hashes of its names alone: see `Query.rank`.
  package static func rank(subject: UInt64, predicate: UInt64) -> Double {
    unit(mix(subject, predicate))
  }

  private static func finish(_ value: UInt64) -> UInt64 {
    var state = value
    state ^= state >> 33
    state &*= 0xFF51_AFD7_ED55_8CCD
    state ^= state >> 33
    state &*= 0xC4CE_B9FE_1A85_EC53
    return state ^ (state >> 33)
  }
}
