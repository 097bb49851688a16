/// Lines of text in which special tokens are written out: `<S> Ada Lund <P> born in <O>`.
extension TokenizerKind {
  /// What stands between two names or words of a line.
  package var separator: String {
    self == .entity ? String(decoding: [EntityTokenizer.separator], as: UTF8.self) : " "
  }

  /// A line of parts, each a special token, a name or a word.
  package func line(_ parts: [String]) -> String { continuation(parts, after: nil) }

  /// The same as it follows a part: it begins with what stands between the two.
  package func continuation(_ parts: [String], after previous: String?) -> String {
    var line = ""
    var last = previous
    for part in parts {
      if let last {
        line += SpecialToken(text: last) ?? SpecialToken(text: part) == nil ? separator : " "
      }
      line += part
      last = part
    }
    return line
  }
}

extension SpecialToken {
  /// The token that is written so.
  package init?(text: String) {
    guard let token = Self.allCases.first(where: { $0.text == text }) else { return nil }
    self = token
  }
}

extension Tokenizer {
  /// The tokens of a line, as Python's `tokenizers` reads it with the exported tokenizer.json.
  ///
  /// White space beside a special token belongs to it; what the tokenizer does not know is
  /// `unknown`.
  package func encodeLine(_ line: String) -> [Int32] {
    let bytes = Array(line.utf8)
    var tokens: [Int32] = []
    var start = 0
    var place = 0
    while place < bytes.count {
      let special = SpecialToken.allCases.first { bytes[place...].starts(with: $0.text.utf8) }
      guard let special else {
        place += 1
        continue
      }
      append(bytes[start..<place], isFirst: start == 0, isLast: false, to: &tokens)
      tokens.append(special.rawValue)
      place += special.text.utf8.count
      start = place
    }
    append(bytes[start...], isFirst: start == 0, isLast: true, to: &tokens)
    return tokens
  }

  /// Appends the tokens of what stands between two special tokens, or at an end of the line.
  private func append(
    _ bytes: ArraySlice<UInt8>, isFirst: Bool, isLast: Bool, to tokens: inout [Int32]
  ) {
    guard kind != .word else {
      return encodeWords(String(decoding: bytes, as: UTF8.self), into: &tokens)
    }
    var text = String(decoding: bytes, as: UTF8.self).unicodeScalars[...]
    if !isFirst { text = text.drop { $0.properties.isWhitespace } }
    if !isLast { while text.last?.properties.isWhitespace == true { text.removeLast() } }
    if !text.isEmpty { encode(String(text), into: &tokens) }
  }

  /// Tokens as a line that `encodeLine` gives them back for; nil where they spell no text.
  package func line(of tokens: [Int32]) -> String? {
    var parts: [String] = []
    var run: [Int32] = []
    func endRun() -> Bool {
      guard !run.isEmpty else { return true }
      guard let text = decode(run) else { return false }
      parts.append(text)
      run = []
      return true
    }
    for token in tokens {
      guard let special = SpecialToken(rawValue: token) else {
        run.append(token)
        continue
      }
      guard endRun() else { return nil }
      parts.append(special.text)
    }
    return endRun() ? kind.line(parts) : nil
  }
}
