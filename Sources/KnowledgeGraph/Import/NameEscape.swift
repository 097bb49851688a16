/// How a name with tabs or line ends stands in a tab-separated file.
package enum NameEscape: String, Codable, CaseIterable, Sendable {
  /// A name that the format cannot hold begins with `\escaped:`, and only such a name has escapes.
  case marked
  /// Every name has its backslashes, tabs and line ends escaped.
  case all
  /// No name has escapes; names with tabs or line ends cannot be written.
  case none

  private static let marker = Array("\\escaped:".utf8)
  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
  private static let letters: [UInt8: UInt8] = [
    0x09: UInt8(ascii: "t"), 0x0A: UInt8(ascii: "n"), 0x0D: UInt8(ascii: "r"),
    0x5C: UInt8(ascii: "\\"),
  ]
  private static let backslash = UInt8(ascii: "\\")

  /// The name as it is written; nil where it cannot be.
  ///
  /// A byte order mark at the start of a name would be lost at the start of a file.
  func written(_ name: [UInt8]) -> [UInt8]? {
    let isBroken = name.contains { $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    switch self {
    case .none: return isBroken ? nil : name
    case .all: return name.contains(Self.backslash) || isBroken ? Self.escaped(name) : name
    case .marked:
      guard
        isBroken || name.starts(with: Self.marker) || name.starts(with: Self.byteOrderMark)
      else { return name }
      return Self.mark(name)
    }
  }

  /// The name as one that is marked, whether or not it has to be.
  static func mark(_ name: [UInt8]) -> [UInt8] { marker + escaped(name) }

  /// The name that is meant, in `scratch` where it is not the field itself.
  ///
  /// Throws `LineFault` for an escape that does not exist.
  func read(_ field: ArraySlice<UInt8>, _ scratch: inout [UInt8]) throws -> ArraySlice<UInt8> {
    switch self {
    case .none: return field
    case .all:
      guard field.contains(Self.backslash) else { return field }
      return try Self.unescaped(field, &scratch)
    case .marked:
      guard field.first == Self.backslash, field.starts(with: Self.marker) else { return field }
      return try Self.unescaped(field.dropFirst(Self.marker.count), &scratch)
    }
  }

  private static func escaped(_ name: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(name.count + 8)
    for byte in name {
      if let letter = letters[byte] {
        text.append(backslash)
        text.append(letter)
      } else {
        text.append(byte)
      }
    }
    return text
  }

  private static func unescaped(
    _ field: ArraySlice<UInt8>, _ scratch: inout [UInt8]
  ) throws -> ArraySlice<UInt8> {
    scratch.removeAll(keepingCapacity: true)
    var bytes = field.makeIterator()
    while let byte = bytes.next() {
      guard byte == backslash else {
        scratch.append(byte)
        continue
      }
      switch bytes.next() {
      case UInt8(ascii: "t"): scratch.append(0x09)
      case UInt8(ascii: "n"): scratch.append(0x0A)
      case UInt8(ascii: "r"): scratch.append(0x0D)
      case backslash: scratch.append(backslash)
      case let other:
        let shown = other.map { String(decoding: [$0], as: UTF8.self) } ?? ""
        throw LineFault(
          "a name has the escape '\\\(shown)', which does not exist (there are \\t, \\n, \\r and \\\\); "
            + "correct it, or read names as they stand with --escape none")
      }
    }
    return scratch[...]
  }
}
