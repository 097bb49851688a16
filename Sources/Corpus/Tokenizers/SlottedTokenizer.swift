/// A tokenizer with one more token, `<X>`, after all others, which begins the slot of a line.
///
/// Every other token has the id that it has without a slot.
package struct SlottedTokenizer: Tokenizer {
  private let base: any Tokenizer

  package init(_ base: any Tokenizer) { self.base = base }

  package var kind: TokenizerKind { base.kind }
  package var vocabularySize: Int { base.vocabularySize + 1 }
  package var keepsSpaces: Bool { base.keepsSpaces }
  package var slotToken: Int32? { Int32(base.vocabularySize) }

  package func encode(_ text: String, into tokens: inout [Int32]) {
    base.encode(text, into: &tokens)
  }

  package func encodeWords(_ text: String, into tokens: inout [Int32]) {
    base.encodeWords(text, into: &tokens)
  }

  /// Nil where `<X>` is among the tokens, as for other special ones.
  package func decode(_ tokens: some Collection<Int32>) -> String? { base.decode(tokens) }

  package func text(of token: Int32) -> String {
    token == slotToken ? Slot.tokenText : base.text(of: token)
  }

  package var file: TokenizerFile {
    var contents = base.file.contents
    contents.addedTokens.append(
      TokenizerContents.AddedToken(
        id: base.vocabularySize, content: Slot.tokenText,
        strips: contents.addedTokens.first?.lstrip ?? false))
    return TokenizerFile(contents: contents)
  }
}
