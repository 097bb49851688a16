/// Reads the one flat JSON object of a line, byte by byte and strictly (RFC 8259).
struct JSONScanner {
  /// A value that is no list and no object.
  enum Value {
    case string(ArraySlice<UInt8>)
    case number(Double)
    case bool(Bool)
    case null
  }

  private var line: ArraySlice<UInt8> = []
  private var index = 0
  private static let quote = UInt8(ascii: "\"")
  private static let backslash = UInt8(ascii: "\\")

  mutating func start(_ line: ArraySlice<UInt8>) {
    self.line = line
    index = line.startIndex
  }

  private var current: UInt8? { index < line.endIndex ? line[index] : nil }

  /// Calls `body` with each key and its value; strings are valid during the call only.
  ///
  /// Throws `LineFault` for anything but one object, and what `body` throws.
  mutating func forEachMember(_ body: (ArraySlice<UInt8>, Value) throws -> Void) throws {
    skipSpaces()
    guard current == UInt8(ascii: "{") else {
      throw LineFault(
        "the line is no JSON object; give one a line, such as {\"subject\":\"a\",\"predicate\":\"b\","
          + "\"object\":\"c\"}")
    }
    index += 1
    skipSpaces()
    var isOpen = current != UInt8(ascii: "}")
    if !isOpen { index += 1 }
    while isOpen {
      skipSpaces()
      guard current == Self.quote else { throw unexpected("a key in quotation marks") }
      let key = try string()
      skipSpaces()
      guard current == UInt8(ascii: ":") else { throw unexpected("':' after a key") }
      index += 1
      skipSpaces()
      try body(key, try value(of: key))
      skipSpaces()
      guard current == UInt8(ascii: ",") || current == UInt8(ascii: "}") else {
        throw unexpected("',' or '}'")
      }
      isOpen = current == UInt8(ascii: ",")
      index += 1
    }
    skipSpaces()
    guard index == line.endIndex else { throw unexpected("the end of the line") }
  }

  private mutating func skipSpaces() {
    while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0D { index += 1 }
  }

  private func unexpected(_ wanted: String) -> LineFault {
    let place = index - line.startIndex + 1
    guard index < line.endIndex else {
      return LineFault("the JSON object is cut short: \(wanted) is missing at byte \(place)")
    }
    let found = String(decoding: line[index...].prefix(12), as: UTF8.self)
    return LineFault(
      "the line is not valid JSON at byte \(place): \(wanted) is missing before '\(found)'")
  }

  // MARK: Values

  private mutating func value(of key: ArraySlice<UInt8>) throws -> Value {
    switch current {
    case Self.quote: return .string(try string())
    case UInt8(ascii: "t"): return .bool(try word("true", true))
    case UInt8(ascii: "f"): return .bool(try word("false", false))
    case UInt8(ascii: "n"):
      _ = try word("null", false)
      return .null
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      throw LineFault(
        "the value of '\(String(decoding: key, as: UTF8.self))' is a list or an object; give text, a "
          + "number, true, false or null")
    default: return .number(try number())
    }
  }

  private mutating func word(_ text: String, _ value: Bool) throws -> Bool {
    guard line[index...].starts(with: text.utf8) else { throw unexpected("a value") }
    index += text.utf8.count
    return value
  }

  private mutating func number() throws -> Double {
    let start = index
    func digits() -> Int { line[index...].prefix { IRIText.isDigit($0) }.count }
    if current == UInt8(ascii: "-") { index += 1 }
    let whole = digits()
    guard whole > 0, whole == 1 || current != UInt8(ascii: "0") else {
      index = start
      throw unexpected("a value")
    }
    index += whole
    if current == UInt8(ascii: ".") {
      index += 1
      guard digits() > 0 else { throw unexpected("a digit") }
      index += digits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      index += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { index += 1 }
      guard digits() > 0 else { throw unexpected("a digit") }
      index += digits()
    }
    guard let value = Double(String(decoding: line[start..<index], as: UTF8.self)), value.isFinite
    else {
      throw LineFault("a number is too large to be read")
    }
    return value
  }

  // MARK: Strings

  /// The string that begins here: part of the line where it has no escapes.
  private mutating func string() throws -> ArraySlice<UInt8> {
    index += 1
    let start = index
    while let byte = current, byte != Self.quote, byte != Self.backslash {
      try check(byte)
      index += 1
    }
    if current == Self.quote {
      index += 1
      return line[start..<(index - 1)]
    }
    var text = Array(line[start..<index])
    while let byte = current, byte != Self.quote {
      try check(byte)
      if byte == Self.backslash {
        try escape(to: &text)
      } else {
        text.append(byte)
        index += 1
      }
    }
    guard current == Self.quote else { throw unexpected("the closing quotation mark of a string") }
    index += 1
    return text[...]
  }

  private func check(_ byte: UInt8) throws {
    guard byte >= 0x20 else {
      throw LineFault(
        "a string holds a raw control character at byte \(index - line.startIndex + 1); write it as an "
          + "escape, such as \\t or \\u0009")
    }
  }

  private mutating func escape(to text: inout [UInt8]) throws {
    let letter = index + 1 < line.endIndex ? line[index + 1] : 0
    index += 2
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): try unicodeEscape(to: &text)
    default:
      index -= 2
      throw unexpected("an escape that JSON has")
    }
  }

  private mutating func unicodeEscape(to text: inout [UInt8]) throws {
    let first = try fourDigits()
    var value = first
    if (0xD800...0xDBFF).contains(first), line[index...].starts(with: [Self.backslash, 0x75]) {
      index += 2
      let second = try fourDigits()
      guard (0xDC00...0xDFFF).contains(second) else { throw loneSurrogate(first) }
      value = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }
    guard UTF8Scalars.append(value, to: &text) else { throw loneSurrogate(first) }
  }

  private func loneSurrogate(_ value: UInt32) -> LineFault {
    LineFault(
      "a string holds \\u\(String(value, radix: 16)), half a surrogate pair, which is no character; "
        + "give both halves or remove it")
  }

  private mutating func fourDigits() throws -> UInt32 {
    let digits = line[index...].prefix(4)
    guard digits.count == 4, let value = UTF8Scalars.hexadecimal(digits) else {
      throw unexpected("four hexadecimal digits")
    }
    index += 4
    return value
  }
}
