extension TokenizerContents {
  /// The tokenizer that the contents describe, after checking that names get the tokens they get in Python.
  ///
  /// Throws `TokenizerFault` at the first thing that is wrong.
  func tokenizer() throws -> any Tokenizer {
    let tokens = try tokensByID()
    try check(normalizer == nil, "it normalises text, which kglab's tokenizers do not")
    switch model.type {
    case "WordLevel": return try wordTokenizer(tokens)
    case "BPE": return try bytePairTokenizer(tokens)
    default:
      throw TokenizerFault(
        reason: "its model type '\(model.type)' is neither WordLevel nor BPE")
    }
  }

  private func check(_ condition: Bool, _ reason: @autoclosure () -> String) throws {
    guard condition else { throw TokenizerFault(reason: reason()) }
  }

  /// Tokens in order of their ids, which must have no gaps, with the special tokens first.
  private func tokensByID() throws -> [String] {
    var tokens = [String?](repeating: nil, count: model.vocab.count)
    for (text, id) in model.vocab.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      try check(
        tokens.indices.contains(id),
        "token '\(text)' has the id \(id) in a vocabulary of \(model.vocab.count)")
      try check(tokens[id] == nil, "two tokens have the id \(id)")
      tokens[id] = text
    }
    for special in SpecialToken.allCases {
      let id = Int(special.rawValue)
      try check(
        id < tokens.count && tokens[id] == special.text,
        "the special token \(special.text) does not have the id \(id)")
    }
    return tokens.compactMap { $0 }
  }

  private func checkSettings(strips: Bool, preTokenizer step: Step, decoder: Step?) throws {
    let expected = SpecialToken.allCases.map { AddedToken($0, strips: strips) }
    try check(
      addedTokens.sorted { $0.id < $1.id } == expected,
      "its added_tokens are not kglab's six special tokens")
    try check(
      preTokenizer == step, "its pre_tokenizer is not the \(step.type) that kglab uses")
    try check(self.decoder == decoder, "its decoder is not the one that kglab uses")
  }

  private func entityTokenizer(_ tokens: [String]) throws -> any Tokenizer {
    try checkSettings(strips: true, preTokenizer: .splitAtUnitSeparators, decoder: nil)
    for (id, text) in tokens.enumerated() {
      try check(
        !text.isEmpty && !text.utf8.contains(EntityTokenizer.separator),
        "the token with the id \(id) is empty or has a unit separator inside")
    }
    return EntityTokenizer(vocabulary: tokens)
  }

  private func wordTokenizer(_ tokens: [String]) throws -> any Tokenizer {
    if preTokenizer == .splitAtUnitSeparators { return try entityTokenizer(tokens) }
    try checkSettings(strips: false, preTokenizer: .splitAtSpaces, decoder: nil)
    for (id, text) in tokens.enumerated() {
      try check(
        !text.isEmpty && !text.utf8.contains(0x20),
        "the token with the id \(id) is empty or has a space inside")
    }
    return WordTokenizer(vocabulary: tokens)
  }

  private func bytePairTokenizer(_ tokens: [String]) throws -> any Tokenizer {
    try checkSettings(strips: true, preTokenizer: .byteLevel, decoder: .byteLevel)
    let bytes = try tokens.enumerated().map { id, text -> [UInt8] in
      if SpecialToken(rawValue: Int32(id)) != nil { return [] }
      guard let bytes = ByteAlphabet.bytes(of: text), !bytes.isEmpty else {
        throw TokenizerFault(reason: "token '\(text)' is not written in GPT-2's byte alphabet")
      }
      return bytes
    }
    try check(
      bytes.count >= ByteAlphabet.vocabularySize,
      "it has \(bytes.count) tokens, fewer than the \(ByteAlphabet.vocabularySize) "
        + "that bytes need")
    for (rank, byte) in ByteAlphabet.order.enumerated() {
      let id = Int(ByteAlphabet.base) + rank
      try check(bytes[id] == [byte], "the token with the id \(id) is not the byte kglab has there")
    }
    let merges = try checkedMerges()
    if merges.isEmpty && bytes.count == ByteAlphabet.vocabularySize { return ByteTokenizer() }
    return BytePairTokenizer(merges: merges, bytes: bytes)
  }

  private func checkedMerges() throws -> [BytePairTokenizer.Merge] {
    guard let pairs = model.merges else { throw TokenizerFault(reason: "it has no merges") }
    var seen: Set<UInt64> = []
    return try pairs.enumerated().map { index, pair in
      let place = "merge \(index + 1)"
      guard pair.count == 2 else { throw TokenizerFault(reason: "\(place) is not a pair") }
      guard let left = model.vocab[pair[0]], let right = model.vocab[pair[1]],
        let result = model.vocab[pair[0] + pair[1]],
        min(left, right) >= Int(ByteAlphabet.base)
      else {
        throw TokenizerFault(
          reason: "\(place) ('\(pair[0])' and '\(pair[1])') uses a token that is not there")
      }
      let key = PairTable.key(Int32(left), Int32(right))
      try check(seen.insert(key).inserted, "\(place) occurs twice")
      return BytePairTokenizer.Merge(
        left: Int32(left), right: Int32(right), result: Int32(result))
    }
  }
}
