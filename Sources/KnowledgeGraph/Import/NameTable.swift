/// Names in one block of bytes, each with an id in order of arrival.
///
/// Names are equal when their bytes are: Swift's String equality would merge names that differ in
/// normalisation. A name costs its bytes and about 40 more.
struct NameTable: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var hashes: [UInt64] = []
  /// The upper half of a hash and one more than its id, by the hash's lower bits; 0 is free.
  ///
  /// Its size is a power of two.
  private var slots: [UInt64] = Array(repeating: 0, count: 1 << 10)

  var count: Int { ends.count }

  /// The bytes of a name.
  subscript(id: Int) -> ArraySlice<UInt8> { bytes[range(id)] }

  /// `NameHash.hash` of a name.
  func hash(_ id: Int) -> UInt64 { hashes[id] }

  func text(_ id: Int) -> String { String(decoding: bytes[range(id)], as: UTF8.self) }

  /// The id of a name that is there, or nil.
  func id(of name: ArraySlice<UInt8>) -> Int32? {
    let entry = slots[slot(of: name, NameHash.hash(name))]
    return entry == 0 ? nil : Self.id(entry)
  }

  private static func id(_ entry: UInt64) -> Int32 { Int32(truncatingIfNeeded: entry) - 1 }

  private static func entry(_ hash: UInt64, _ id: Int32) -> UInt64 {
    hash & 0xFFFF_FFFF_0000_0000 | UInt64(UInt32(bitPattern: id + 1))
  }

  /// The id of a name, which is added if it is new; nil where 2^31 - 1 names are there already.
  mutating func insert(_ name: ArraySlice<UInt8>) -> (id: Int32, isNew: Bool)? {
    let hash = NameHash.hash(name)
    var slot = slot(of: name, hash)
    if slots[slot] != 0 { return (Self.id(slots[slot]), false) }
    guard count < Int(Int32.max) else { return nil }
    if (count + 1) * 2 > slots.count {
      grow()
      slot = self.slot(of: name, hash)
    }
    let id = Int32(truncatingIfNeeded: count)
    slots[slot] = Self.entry(hash, id)
    append(name, hash)
    return (id, true)
  }

  /// Adds a name without looking whether it is there already, and without making it findable.
  mutating func append(_ name: ArraySlice<UInt8>) { append(name, NameHash.hash(name)) }

  /// Takes away the names that were inserted last.
  mutating func removeLast(_ number: Int) {
    for _ in 0..<number {
      let id = count - 1
      // Nothing came after it, so that no other name's way to its slot leads past this one.
      let slot = slot(of: self[id], hashes[id])
      if slots[slot] != 0, Self.id(slots[slot]) == Int32(truncatingIfNeeded: id) { slots[slot] = 0 }
      bytes.removeSubrange(range(id))
      ends.removeLast()
      hashes.removeLast()
    }
  }

  private mutating func append(_ name: ArraySlice<UInt8>, _ hash: UInt64) {
    bytes.append(contentsOf: name)
    ends.append(bytes.count)
    hashes.append(hash)
  }

  private func range(_ id: Int) -> Range<Int> { (id == 0 ? 0 : ends[id - 1])..<ends[id] }

  /// Where the name is in `slots`, or where it belongs.
  private func slot(of name: ArraySlice<UInt8>, _ hash: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let entry = slots[slot]
      if (entry ^ hash) >> 32 == 0, equals(Int(Self.id(entry)), name) { return slot }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private func equals(_ id: Int, _ name: ArraySlice<UInt8>) -> Bool {
    let range = range(id)
    guard range.count == name.count else { return false }
    var position = range.lowerBound
    for byte in name {
      guard bytes[position] == byte else { return false }
      position += 1
    }
    return true
  }

  private mutating func grow() {
    let mask = slots.count * 2 - 1
    slots = Array(repeating: 0, count: slots.count * 2)
    for (id, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = Self.entry(hash, Int32(truncatingIfNeeded: id))
    }
  }
}

extension NameTable {
  /// The eight bytes of a name from `depth` on as a number that sorts as they do, 0 beyond its end.
  func key(_ id: Int, depth: Int) -> UInt64 {
    let range = range(id)
    var key: UInt64 = 0
    let start = range.lowerBound + depth
    let end = min(start + 8, range.upperBound)
    var position = start
    while position < end {
      key = key << 8 | UInt64(bytes[position])
      position += 1
    }
    return key << UInt64(8 * (8 - max(0, end - start)))
  }
}
