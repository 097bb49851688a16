/// A list of tokens for each id, in one block.
struct TokenLists: Sendable {
  private var tokens: [Int32] = []
  private var starts: [Int] = [0]
  private(set) var longest = 0

  init() {}

  /// The tokens of names, in order; `afterSpace` for those of a space and the name, `isFirst` for
  /// where a text begins.
  ///
  /// Throws `CorpusError` for a name that is empty or that the tokenizer has no tokens for.
  init(
    _ names: some Collection<String>, _ tokenizer: any Tokenizer, afterSpace: Bool = false,
    isFirst: Bool = false
  ) throws(CorpusError) {
    starts.reserveCapacity(names.count + 1)
    try tokenizer.prepare(Array(names), areWords: false)
    for name in names {
      guard !name.isEmpty else {
        throw .nameUnspellable(name: name, kind: tokenizer.kind, reason: "it is empty")
      }
      if isFirst {
        tokenizer.encodeFirst(name, into: &tokens)
      } else {
        tokenizer.encode(afterSpace ? " " + name : name, into: &tokens)
      }
      try endList(of: name)
    }
  }

  /// Adds the tokens of words around names.
  mutating func appendWords(_ text: String, _ tokenizer: any Tokenizer) throws(CorpusError) {
    tokenizer.encodeWords(text, into: &tokens)
    try endList(of: text)
  }

  private mutating func endList(of text: String) throws(CorpusError) {
    let start = starts[starts.count - 1]
    for token in tokens[start...] where token == SpecialToken.unknown.rawValue {
      throw .nameUnknown(name: text)
    }
    longest = max(longest, tokens.count - start)
    starts.append(tokens.count)
  }

  var count: Int { starts.count - 1 }

  subscript(id: Int32) -> ArraySlice<Int32> { tokens[starts[Int(id)]..<starts[Int(id) + 1]] }
}
