/// Texts that are tokens: special tokens first, then others, each different from all others in
/// every normal form.
struct Lexicon: Sendable {
  /// By id.
  private(set) var texts: [String]
  private var ids = ByteStrings()

  /// `texts` begin with the special tokens and are all different.
  init(checked texts: [String]) {
    self.texts = texts
    for text in texts { _ = ids.insert(text) }
  }

  init() { self.init(checked: SpecialToken.allCases.map(\.text)) }

  /// The id of a part of a text; `unknown` for a text that is no token, or the text of a special
  /// one.
  func id(of part: Range<Int>, in text: Span<UInt8>) -> Int32 {
    guard let id = ids.number(of: part, in: text), id >= SpecialToken.allCases.count else {
      return SpecialToken.unknown.rawValue
    }
    return id
  }

  /// Adds a part of a text unless it is there; returns whether it was new.
  mutating func add(_ part: Range<Int>, in text: Span<UInt8>) -> Bool {
    let id = ids.insert(part, in: text)
    guard id == texts.count else { return false }
    texts.append(String(decoding: ids[id], as: UTF8.self))
    return true
  }

  /// The texts of tokens; nil where one is a special token, or none of these.
  func texts(of tokens: some Collection<Int32>) -> [String]? {
    let known = SpecialToken.allCases.count..<texts.count
    return tokens.allSatisfy { known.contains(Int($0)) } ? tokens.map { texts[Int($0)] } : nil
  }

  /// The text of a token, for tables.
  func text(of token: Int32) -> String {
    texts.indices.contains(Int(token)) ? texts[Int(token)] : "<\(token)?>"
  }

  /// Ids of the first two texts that differ in bytes and not as Unicode text, or nil.
  var firstAlike: (first: Int, second: Int)? {
    // Few texts need normalising, but one of those can equal any other ("K" and the Kelvin sign).
    guard texts.contains(where: { $0.utf8.contains { $0 >= 0x80 } }) else { return nil }
    var seen: [String: Int] = [:]
    for (id, text) in texts.enumerated() {
      if let first = seen.updateValue(id, forKey: text) { return (first, id) }
    }
    return nil
  }
}

extension SpecialToken {
  /// The first special token whose text is inside a name, or nil.
  static func inside(_ name: String) -> SpecialToken? {
    guard name.utf8.contains(0x3C) else { return nil }
    return allCases.first { name.contains($0.text) }
  }
}
