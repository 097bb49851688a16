/// One token for each space-separated piece of a name.
///
/// Ids follow the special tokens in the order in which pieces first appear in the names, sorted by
/// UTF-8 bytes, and then in the sentences around names, sorted likewise: a pure function of the
/// sets of both.
package struct WordTokenizer: Tokenizer {
  package let kind = TokenizerKind.word
  private let lexicon: Lexicon

  /// The tokenizer whose vocabulary is all pieces of `names` and of `sentences`, which are said
  /// around them.
  ///
  /// Throws `CorpusError` for a name that single spaces between pieces do not give back (empty,
  /// double spaces, a space at an end), that contains a special token's text, or whose piece equals
  /// another piece only after Unicode normalisation.
  package init(names: [String], sentences: [String] = []) throws(CorpusError) {
    var lexicon = Lexicon()
    /// The name or sentence that each token came with.
    var sources = lexicon.texts
    for index in ByteOrder.sorted(names) {
      let name = names[index]
      if let reason = Self.refusal(of: name) {
        throw .nameUnspellable(name: name, kind: .word, reason: reason)
      }
      for _ in 0..<Self.add(name, to: &lexicon) { sources.append(name) }
    }
    for index in ByteOrder.sorted(sentences) {
      for _ in 0..<Self.add(sentences[index], to: &lexicon) { sources.append(sentences[index]) }
    }
    if let alike = lexicon.firstAlike {
      throw .namesAlike(
        first: sources[alike.first], second: sources[alike.second], kind: .word)
    }
    self.lexicon = lexicon
  }

  /// A tokenizer whose vocabulary has been checked: special tokens first, pieces all different.
  init(vocabulary: [String]) { lexicon = Lexicon(checked: vocabulary) }

  /// Pieces by id, special tokens first.
  var vocabulary: [String] { lexicon.texts }
  package var vocabularySize: Int { lexicon.texts.count }
  package var keepsSpaces: Bool { false }

  package func encode(_ text: String, into tokens: inout [Int32]) {
    let view = text.utf8
    let bytes = view.span
    Self.forEachPiece(of: bytes) { tokens.append(lexicon.id(of: $0, in: bytes)) }
  }

  package func encodeWords(_ text: String, into tokens: inout [Int32]) {
    let view = text.utf8
    let bytes = view.span
    Self.forEachPiece(of: bytes) { piece in
      if !piece.isEmpty { tokens.append(lexicon.id(of: piece, in: bytes)) }
    }
  }

  package func decode(_ tokens: some Collection<Int32>) -> String? {
    lexicon.texts(of: tokens)?.joined(separator: " ")
  }

  package func text(of token: Int32) -> String { lexicon.text(of: token) }

  /// Adds the pieces of a text and returns how many were new.
  private static func add(_ text: String, to lexicon: inout Lexicon) -> Int {
    let view = text.utf8
    let bytes = view.span
    var count = 0
    forEachPiece(of: bytes) { piece in
      if !piece.isEmpty, lexicon.add(piece, in: bytes) { count += 1 }
    }
    return count
  }

  /// The pieces between single U+0020; empty ones are kept, and are in no vocabulary.
  private static func forEachPiece(of text: Span<UInt8>, _ body: (Range<Int>) -> Void) {
    var start = 0
    for index in text.indices where text[index] == 0x20 {
      body(start..<index)
      start = index + 1
    }
    body(start..<text.count)
  }

  /// Why a name cannot be spelled in pieces, or nil where it can.
  private static func refusal(of name: String) -> String? {
    if name.isEmpty { return "it is empty" }
    if name.utf8.first == 0x20 || name.utf8.last == 0x20 { return "it begins or ends with a space" }
    var previous: UInt8 = 0
    for byte in name.utf8 {
      if byte == 0x20, previous == 0x20 { return "it has two spaces in a row" }
      previous = byte
    }
    return SpecialToken.inside(name).map { "it contains the special token \($0.text)" }
  }
}
