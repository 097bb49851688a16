/// Text in the wrong encoding, known by how it begins.
enum UTF16Text {
  static let advice = "convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8"

  /// Whether a file that begins so is UTF-16 (or UTF-32): a byte order mark, or every other byte
  /// NUL.
  static func isLikely(_ start: some Collection<UInt8>) -> Bool {
    let start = Array(start.prefix(4))
    if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) { return true }
    guard start.count == 4 else { return false }
    let isNul = start.map { $0 == 0 }
    return isNul == [false, true, false, true] || isNul == [true, false, true, false]
  }
}
