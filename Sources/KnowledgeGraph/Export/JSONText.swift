/// Text as JSON writes it.
enum JSONText {
  private static let letters: [UInt8: UInt8] = [
    0x08: UInt8(ascii: "b"), 0x09: UInt8(ascii: "t"), 0x0A: UInt8(ascii: "n"),
    0x0C: UInt8(ascii: "f"), 0x0D: UInt8(ascii: "r"), 0x22: 0x22, 0x5C: 0x5C,
  ]

  /// The name between quotation marks, without them: characters that tools split lines at are
  /// escaped.
  static func escaped(_ name: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(name.count)
    var index = 0
    while index < name.count {
      let byte = name[index]
      if let letter = letters[byte] {
        text.append(UInt8(ascii: "\\"))
        text.append(letter)
      } else if byte < 0x20 {
        text.append(contentsOf: "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
      } else if byte == 0xC2, index + 1 < name.count, name[index + 1] == 0x85 {
        text.append(contentsOf: "\\u0085".utf8)
        index += 1
      } else if byte == 0xE2, index + 2 < name.count, name[index + 1] == 0x80,
        name[index + 2] == 0xA8 || name[index + 2] == 0xA9
      {
        text.append(contentsOf: name[index + 2] == 0xA8 ? "\\u2028".utf8 : "\\u2029".utf8)
        index += 2
      } else {
        text.append(byte)
      }
      index += 1
    }
    return text
  }

  static func quoted(_ name: [UInt8]) -> [UInt8] { [0x22] + escaped(name) + [0x22] }
}
