/// Reads the terms of one line of N-Triples (W3C Recommendation of 2014) as names.
struct TermParser {
  private let names: TermNames
  private var line: ArraySlice<UInt8> = []
  private var index = 0
  /// The text of a term whose canonical form is not the line's own bytes.
  private var term: [UInt8] = []
  private var decoded: [UInt8] = []

  private static let quote = UInt8(ascii: "\"")
  private static let backslash = UInt8(ascii: "\\")
  private static let hexadecimal = Array("0123456789ABCDEF".utf8)

  init(_ names: TermNames) { self.names = names }

  mutating func start(_ line: ArraySlice<UInt8>) {
    self.line = line
    index = line.startIndex
  }

  var isAtEnd: Bool { index >= line.endIndex }

  private var current: UInt8? { index < line.endIndex ? line[index] : nil }

  mutating func skipSpaces() {
    while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0D { index += 1 }
  }

  /// Whether the rest is nothing or a comment.
  mutating func isAtEndOrComment() -> Bool {
    skipSpaces()
    return isAtEnd || current == UInt8(ascii: "#")
  }

  /// Reads the full stop, and that nothing but a comment follows it.
  mutating func endStatement() throws {
    skipSpaces()
    switch current {
    case UInt8(ascii: "."): index += 1
    case UInt8(ascii: "<"), UInt8(ascii: "_"):
      throw LineFault(
        "a fourth term follows, as in N-Quads; keep subject, predicate and object, and a full stop")
    default: throw LineFault("there is no full stop after the object; end each triple with ' .'")
    }
    guard isAtEndOrComment() else {
      throw LineFault("something follows the full stop; give one triple a line")
    }
  }

  /// The name of the next term; valid until the term after it is read.
  ///
  /// Throws `LineFault` for what the grammar does not allow in that place.
  mutating func next(_ part: TripleCollector.Part) throws -> ArraySlice<UInt8> {
    skipSpaces()
    switch current {
    case UInt8(ascii: "<"): return try iri(part)
    case UInt8(ascii: "_") where part != .predicate: return try blankNode()
    case Self.quote where part == .object: return try literal()
    case UInt8(ascii: "_"): throw LineFault("the predicate is a blank node; it must be an IRI")
    case Self.quote: throw LineFault("the \(part) is a literal, which only an object can be")
    case nil, UInt8(ascii: "."): throw LineFault("the \(part) is missing; give three terms")
    default:
      throw LineFault(
        "the \(part) begins with '\(shown(from: index))'; give an IRI in < >"
          + (part == .object ? ", a literal in \"\" or a blank node" : ""))
    }
  }

  private func shown(from start: Int) -> String {
    String(String(decoding: line[start...].prefix(24), as: UTF8.self).prefix(12))
  }

  // MARK: Terms

  private mutating func iri(_ part: TripleCollector.Part) throws -> ArraySlice<UInt8> {
    let start = index
    guard let end = line[start...].firstIndex(of: UInt8(ascii: ">")) else {
      throw LineFault("the \(part) begins with < and has no >")
    }
    index = end + 1
    var text = line[(start + 1)..<end]
    let hasEscapes = text.contains(Self.backslash)
    if hasEscapes {
      term.removeAll(keepingCapacity: true)
      try unescape(text, allowsLetters: false, to: &term)
      text = term[...]
    }
    if let fault = IRIText.fault(text) {
      throw LineFault("the \(part) '\(String(decoding: text, as: UTF8.self))' \(fault)")
    }
    if let name = names.name(ofIRI: text, &decoded) { return name }
    guard hasEscapes else { return line[start...end] }
    return ([UInt8(ascii: "<")] + text + [UInt8(ascii: ">")])[...]
  }

  private mutating func blankNode() throws -> ArraySlice<UInt8> {
    let start = index
    guard index + 1 < line.endIndex, line[index + 1] == UInt8(ascii: ":") else {
      throw LineFault("'\(shown(from: start))' is no blank node; write it as _:name")
    }
    index += 2
    let first = index
    while index < line.endIndex {
      let length = UTF8Scalars.length(line[index])
      let end = min(index + length, line.endIndex)
      guard
        length == 1
          ? NodeLabel.allows(line[index], isFirst: index == first)
          : NodeLabel.allows(UTF8Scalars.value(line[index..<end]) ?? 0, isFirst: index == first)
      else { break }
      index = end
    }
    // A full stop may stand inside a label, not at its end.
    while index > first, line[index - 1] == UInt8(ascii: ".") { index -= 1 }
    guard index > first else { throw LineFault("a blank node has no name after _:") }
    return line[start..<index]
  }

  private mutating func literal() throws -> ArraySlice<UInt8> {
    let start = index
    index += 1
    var isCanonical = true
    while let byte = current, byte != Self.quote {
      if byte == 0x0D { throw LineFault("a literal holds a carriage return; write it as \\r") }
      if byte == Self.backslash { index += 1 }
      if byte < 0x20 || byte == 0x7F || byte == Self.backslash { isCanonical = false }
      index += 1
    }
    guard index < line.endIndex else { throw LineFault("a literal has no closing quotation mark") }
    let text = line[(start + 1)..<index]
    index += 1
    let suffix = try literalSuffix()
    if isCanonical, suffix.isVerbatim { return line[start..<index] }
    var value: [UInt8] = []
    try unescape(text, allowsLetters: true, to: &value)
    term.removeAll(keepingCapacity: true)
    term.append(Self.quote)
    escape(value)
    term.append(Self.quote)
    term.append(contentsOf: suffix.text)
    return term[...]
  }

  /// The language or datatype of a literal, in its canonical text.
  private mutating func literalSuffix() throws -> (text: [UInt8], isVerbatim: Bool) {
    let start = index
    if current == UInt8(ascii: "@") {
      index += 1
      var subtag = 0
      var isFirst = true
      while let byte = current {
        if byte == UInt8(ascii: "-"), subtag > 0 {
          (subtag, isFirst) = (0, false)
        } else if IRIText.isLetter(byte) || (!isFirst && IRIText.isDigit(byte)) {
          subtag += 1
        } else {
          break
        }
        index += 1
      }
      guard subtag > 0 else {
        throw LineFault("a literal has the language '\(shown(from: start))', which is none")
      }
      return (Array(line[start..<index]), true)
    }
    guard current == UInt8(ascii: "^") else { return ([], true) }
    guard index + 2 < line.endIndex, line[index + 1] == UInt8(ascii: "^"),
      line[index + 2] == UInt8(ascii: "<"),
      let end = line[index...].firstIndex(of: UInt8(ascii: ">"))
    else { throw LineFault("a literal has ^ and no datatype after it; write ^^<iri>") }
    var iri: [UInt8] = []
    try unescape(line[(index + 3)..<end], allowsLetters: false, to: &iri)
    if let fault = IRIText.fault(iri[...]) {
      throw LineFault("the datatype '\(String(decoding: iri, as: UTF8.self))' \(fault)")
    }
    let isVerbatim = iri.count == end - index - 3
    index = end + 1
    return (Array("^^<".utf8) + iri + [UInt8(ascii: ">")], isVerbatim)
  }

  // MARK: Escapes

  /// Adds text with its escapes resolved: \uXXXX and \UXXXXXXXX, in literals also \t, \n and their
  /// like.
  private func unescape(
    _ text: ArraySlice<UInt8>, allowsLetters: Bool, to bytes: inout [UInt8]
  ) throws {
    var place = text.startIndex
    while place < text.endIndex {
      guard text[place] == Self.backslash else {
        bytes.append(text[place])
        place += 1
        continue
      }
      let letter = place + 1 < text.endIndex ? text[place + 1] : 0
      let shown = String(decoding: text[place...].prefix(10), as: UTF8.self)
      place += 2
      if letter == UInt8(ascii: "u") || letter == UInt8(ascii: "U") {
        let digits = letter == UInt8(ascii: "u") ? 4 : 8
        let value =
          place + digits <= text.endIndex
          ? UTF8Scalars.hexadecimal(text[place..<place + digits]) : nil
        guard let value, UTF8Scalars.append(value, to: &bytes) else {
          throw LineFault("'\(shown)' is no character of Unicode; write \\uXXXX or \\UXXXXXXXX")
        }
        place += digits
      } else if allowsLetters, let byte = Self.letters[letter] {
        bytes.append(byte)
      } else {
        throw LineFault(
          "'\(shown)' begins with an escape that does not exist"
            + (allowsLetters ? "" : " in an IRI, where only \\u and \\U do"))
      }
    }
  }

  private static let letters: [UInt8: UInt8] = [
    UInt8(ascii: "t"): 0x09, UInt8(ascii: "b"): 0x08, UInt8(ascii: "n"): 0x0A,
    UInt8(ascii: "r"): 0x0D, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "\""): 0x22,
    UInt8(ascii: "'"): 0x27, UInt8(ascii: "\\"): 0x5C,
  ]
  private static let canonicalLetters: [UInt8: UInt8] = [
    0x09: UInt8(ascii: "t"), 0x08: UInt8(ascii: "b"), 0x0A: UInt8(ascii: "n"),
    0x0D: UInt8(ascii: "r"), 0x0C: UInt8(ascii: "f"), 0x22: UInt8(ascii: "\""),
    0x5C: UInt8(ascii: "\\"),
  ]

  /// Adds a literal's text to `term` with the escapes of canonical N-Triples (RDF 1.2).
  private mutating func escape(_ value: [UInt8]) {
    for byte in value {
      if let letter = Self.canonicalLetters[byte] {
        term.append(Self.backslash)
        term.append(letter)
      } else if byte < 0x20 || byte == 0x7F {
        term.append(contentsOf: "\\u00".utf8)
        term.append(Self.hexadecimal[Int(byte >> 4)])
        term.append(Self.hexadecimal[Int(byte & 15)])
      } else {
        term.append(byte)
      }
    }
  }
}

/// The characters of a blank node's label.
enum NodeLabel {
  static func allows(_ byte: UInt8, isFirst: Bool) -> Bool {
    if IRIText.isLetter(byte) || IRIText.isDigit(byte) || byte == UInt8(ascii: "_") { return true }
    // W3C erratum: the colon of the grammar of 2014 was meant for Turtle only; it is read all the
    // same.
    if byte == UInt8(ascii: ":") { return true }
    return !isFirst && (byte == UInt8(ascii: "-") || byte == UInt8(ascii: "."))
  }

  static func allows(_ scalar: UInt32, isFirst: Bool) -> Bool {
    switch scalar {
    case 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2FF, 0x370...0x37D, 0x37F...0x1FFF, 0x200C...0x200D,
      0x2070...0x218F, 0x2C00...0x2FEF, 0x3001...0xD7FF, 0xF900...0xFDCF, 0xFDF0...0xFFFD,
      0x10000...0xEFFFF:
      true
    case 0xB7, 0x300...0x36F, 0x203F...0x2040: !isFirst
    default: false
    }
  }
}
