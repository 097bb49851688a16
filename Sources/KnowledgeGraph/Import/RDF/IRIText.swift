/// The characters of IRIs, and names inside them.
enum IRIText {
  /// What is wrong with an IRI without its brackets, or nil: N-Triples allows absolute ones only.
  static func fault(_ iri: ArraySlice<UInt8>) -> String? {
    for byte in iri where byte <= 0x20 || forbidden[Int(byte)] {
      let shown =
        byte <= 0x20 ? "a space or control character" : "'\(Character(Unicode.Scalar(byte)))'"
      return "is an IRI with \(shown), which must be percent-encoded"
    }
    let scheme = iri.prefix { $0 != UInt8(ascii: ":") }
    guard scheme.endIndex < iri.endIndex, let first = scheme.first, isLetter(first),
      scheme.allSatisfy({ isLetter($0) || isDigit($0) || [0x2B, 0x2D, 0x2E].contains($0) })
    else { return "is no absolute IRI; begin it with a scheme, such as http:" }
    return nil
  }

  /// The bytes of < > " { } | ^ ` \ .
  private static let forbidden = table("<>\"{}|^`\\")
  /// ASCII that a name keeps inside an IRI; everything else of ASCII is percent-encoded.
  private static let kept = table(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?#")
  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func table(_ text: String) -> [Bool] {
    var table = [Bool](repeating: false, count: 256)
    for byte in text.utf8 { table[Int(byte)] = true }
    return table
  }

  static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Adds a name, percent-encoded where an IRI cannot hold it or tools would split it.
  static func encode(_ name: [UInt8], to text: inout [UInt8]) {
    var index = 0
    while index < name.count {
      let length = UTF8Scalars.length(name[index])
      let end = min(index + length, name.count)
      let isKept =
        length == 1
        ? kept[Int(name[index])]
        : UTF8Scalars.value(name[index..<end]).map(isKeptBeyondASCII) ?? false
      for byte in name[index..<end] {
        if isKept {
          text.append(byte)
        } else {
          text.append(contentsOf: [
            UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)],
          ])
        }
      }
      index = end
    }
  }

  /// Puts into `name` what `encode` would write as `text`; false where there is no such name.
  static func decode(_ text: ArraySlice<UInt8>, _ name: inout [UInt8]) -> Bool {
    name.removeAll(keepingCapacity: true)
    var isPlain = true
    var index = text.startIndex
    while index < text.endIndex {
      let byte = text[index]
      guard byte == UInt8(ascii: "%") else {
        if !kept[Int(byte)] { isPlain = false }
        name.append(byte)
        index += 1
        continue
      }
      isPlain = false
      guard index + 2 < text.endIndex, let high = digits.firstIndex(of: text[index + 1]),
        let low = digits.firstIndex(of: text[index + 2])
      else { return false }
      name.append(UInt8(high << 4 | low))
      index += 3
    }
    if isPlain { return true }
    guard !name.contains(0), String(validating: name, as: UTF8.self) != nil else { return false }
    var again: [UInt8] = []
    encode(name, to: &again)
    return text.elementsEqual(again)
  }

  /// An IRI in brackets with `\u` for the characters that a name would have percent-encoded.
  ///
  /// The term is the same; rdflib takes no white space inside an IRI, whatever the grammar says.
  static func escaped(_ term: [UInt8]) -> [UInt8] {
    guard term.contains(where: { $0 >= 0x80 }) else { return term }
    var text: [UInt8] = []
    for scalar in String(decoding: term, as: UTF8.self).unicodeScalars {
      if scalar.isASCII || isKeptBeyondASCII(scalar.value) {
        _ = UTF8Scalars.append(scalar.value, to: &text)
      } else {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let count = scalar.value > 0xFFFF ? 8 : 4
        text.append(contentsOf: (count == 8 ? "\\U" : "\\u").utf8)
        text.append(contentsOf: String(repeating: "0", count: count - digits.count).utf8)
        text.append(contentsOf: digits.utf8)
      }
    }
    return text
  }

  /// The `ucschar` of RFC 3987, but for white space and marks of direction.
  private static func isKeptBeyondASCII(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0xA0, 0x1680, 0x2000...0x200A, 0x200E, 0x200F, 0x2028...0x202F, 0x205F, 0x2066...0x2069,
      0x3000, 0xFEFF:
      false
    case 0xA0...0xD7FF, 0xF900...0xFDCF, 0xFDF0...0xFFEF: true
    case 0x10000...0xDFFFD: scalar & 0xFFFF < 0xFFFE
    case 0xE1000...0xEFFFD: true
    default: false
    }
  }
}

/// Scalars of UTF-8 that is taken to be valid.
enum UTF8Scalars {
  /// The bytes of the scalar that begins with `byte`.
  static func length(_ byte: UInt8) -> Int {
    switch byte {
    case 0xC0...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xFF: 4
    default: 1
    }
  }

  /// The number that hexadecimal digits stand for; nil where one of them is none.
  static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  /// The number of one scalar; nil where its bytes are none.
  static func value(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    return text.unicodeScalars.first?.value
  }

  /// Adds the bytes of a scalar; false for numbers that are none, such as half a surrogate pair.
  static func append(_ value: UInt32, to bytes: inout [UInt8]) -> Bool {
    guard let scalar = Unicode.Scalar(value) else { return false }
    bytes.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    return true
  }
}
