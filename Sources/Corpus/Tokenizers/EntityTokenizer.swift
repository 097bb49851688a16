/// One token for each name, and one for each word of the sentences around names.
///
/// Ids follow the special tokens in the order of the names' UTF-8 bytes, then of the words': a pure
/// function of the sets of both. A name and a word of the same text are one token.
package struct EntityTokenizer: Tokenizer {
  /// U+001F: what stands between two tokens in text, since names have spaces inside.
  static let separator: UInt8 = 0x1F

  package let kind = TokenizerKind.entity
  private let lexicon: Lexicon

  /// The tokenizer of all `names`, and of the words of `sentences`.
  ///
  /// Throws `CorpusError` for a name that is empty, contains U+001F or a special token's text, or
  /// equals another name only after Unicode normalisation.
  package init(names: [String], sentences: [String] = []) throws(CorpusError) {
    var lexicon = Lexicon()
    for index in ByteOrder.sorted(names) {
      if let reason = Self.refusal(of: names[index]) {
        throw .nameUnspellable(name: names[index], kind: .entity, reason: reason)
      }
      Self.add(names[index], to: &lexicon)
    }
    let words = sentences.flatMap { $0.split(separator: " ").map(String.init) }
    for index in ByteOrder.sorted(words) { Self.add(words[index], to: &lexicon) }
    if let alike = lexicon.firstAlike {
      throw .namesAlike(
        first: lexicon.texts[alike.first], second: lexicon.texts[alike.second], kind: .entity)
    }
    self.lexicon = lexicon
  }

  /// A tokenizer whose vocabulary has been checked: special tokens first, names all different.
  init(vocabulary: [String]) { lexicon = Lexicon(checked: vocabulary) }

  /// Names by id, special tokens first.
  var vocabulary: [String] { lexicon.texts }
  package var vocabularySize: Int { lexicon.texts.count }
  package var keepsSpaces: Bool { false }

  package func encode(_ text: String, into tokens: inout [Int32]) {
    encode(text, cutAt: Self.separator, into: &tokens)
  }

  package func encodeWords(_ text: String, into tokens: inout [Int32]) {
    encode(text, cutAt: 0x20, into: &tokens)
  }

  private func encode(_ text: String, cutAt separator: UInt8, into tokens: inout [Int32]) {
    let view = text.utf8
    let bytes = view.span
    var start = 0
    for index in 0...bytes.count where index == bytes.count || bytes[index] == separator {
      if index > start { tokens.append(lexicon.id(of: start..<index, in: bytes)) }
      start = index + 1
    }
  }

  /// The name; several tokens are joined by U+001F, which no name has.
  package func decode(_ tokens: some Collection<Int32>) -> String? {
    lexicon.texts(of: tokens)?.joined(separator: "\u{1F}")
  }

  package func text(of token: Int32) -> String { lexicon.text(of: token) }

  private static func add(_ text: String, to lexicon: inout Lexicon) {
    let view = text.utf8
    let bytes = view.span
    _ = lexicon.add(0..<bytes.count, in: bytes)
  }

  /// Why a name cannot be a token, or nil where it can.
  private static func refusal(of name: String) -> String? {
    if name.isEmpty { return "it is empty" }
    if name.utf8.contains(separator) { return "it contains the unit separator U+001F" }
    return SpecialToken.inside(name).map { "it contains the special token \($0.text)" }
  }
}
