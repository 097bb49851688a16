/// SHA-256 over values that arrive one after another, for content too large to hold at once.
///
/// Every value is unambiguous on its own: text carries its length, integers have a fixed width.
package struct ContentHasher: Sendable {
  private var hasher = SHA256()
  private var pending: [UInt8] = []
  private static let pieceSize = 1 << 16

  package init() { pending.reserveCapacity(Self.pieceSize + 64) }

  /// Adds a text, so that neighbouring texts cannot run into each other.
  package mutating func combine(_ text: String) {
    combine(Int32(clamping: text.utf8.count))
    pending.append(contentsOf: text.utf8)
    flushIfFull()
  }

  /// Adds four bytes, the least significant first.
  package mutating func combine(_ value: Int32) {
    let bits = UInt32(bitPattern: value)
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      pending.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
    flushIfFull()
  }

  /// The hash of everything added; nothing may be added after it.
  package mutating func finalize() -> ContentHash {
    hasher.update(pending)
    pending = []
    return ContentHash(digest: hasher.finalize())
  }

  private mutating func flushIfFull() {
    guard pending.count >= Self.pieceSize else { return }
    hasher.update(pending)
    pending.removeAll(keepingCapacity: true)
  }
}

extension ContentHash {
  /// The hash that a hasher ended with.
  init(digest: [UInt8]) { hex = Self.hexadecimal(digest) }
}
