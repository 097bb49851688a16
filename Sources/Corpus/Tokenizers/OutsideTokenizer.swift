import LabCore
import Synchronization

/// What cuts texts into the tokens of a model that was made elsewhere.
///
/// Tokens are numbered as kglab's: after the special ones.
package protocol OutsideText: AnyObject, Sendable {
  /// The tokens of texts that begin a text, or that continue one; throws `LabError` where the other
  /// program fails.
  func encode(_ texts: [String], starts: Bool) throws -> [[Int32]]
  /// The answers that tokens spell: up to the first end, without white space around; nil for what
  /// spells none.
  func decode(_ tokens: [[Int32]]) throws -> [String?]
}

/// The tokenizer of a model that was made elsewhere, which another program computes.
///
/// A prompt is the sentence as it stands, an answer what follows it after a space. `<E>` stands for
/// every token that ends an answer, and `<X>`, after all tokens, for the beginning of a text that
/// is put into a prompt. Nothing is asked twice.
package final class OutsideTokenizer: Tokenizer {
  package let vocabularySize: Int
  private let source: any OutsideText
  private let known = Mutex(Known())

  private struct Key: Hashable {
    let text: [UInt8]
    let starts: Bool
  }

  private struct Known {
    var tokens: [Key: [Int32]] = [:]
    var answers: [[Int32]: String?] = [:]
  }

  /// `vocabularySize` counts the special tokens and `<X>` too.
  package init(vocabularySize: Int, source: any OutsideText) {
    self.vocabularySize = vocabularySize
    self.source = source
  }

  /// Tokens are pieces of names, which have several spellings.
  package var kind: TokenizerKind { .bpe }
  package var keepsSpaces: Bool { true }
  package var spacesAnswers: Bool { true }
  package var slotToken: Int32? { Int32(vocabularySize - 1) }

  package func encode(_ text: String, into tokens: inout [Int32]) {
    tokens += self.tokens(Self.spaced(text), starts: false)
  }

  package func encodeFirst(_ text: String, into tokens: inout [Int32]) {
    tokens += self.tokens(text, starts: true)
  }

  package func encodeWords(_ text: String, into tokens: inout [Int32]) {
    tokens += self.tokens(text, starts: Self.begins(text))
  }

  package func decode(_ tokens: some Collection<Int32>) -> String? {
    let tokens = Array(tokens)
    // Where the other program fails, the next question to its model fails too.
    try? learn([tokens])
    return known.withLock { $0.answers[tokens] ?? nil }
  }

  package func text(of token: Int32) -> String {
    if let special = SpecialToken(rawValue: token) { return special.text }
    return token == slotToken ? Slot.tokenText : decode([token]) ?? "<\(token)?>"
  }

  /// Special tokens are written as people do without them: `<S> Ada <P> born in <O> Oslo <E>` reads
  /// "Ada born in: Oslo.".
  package func encodeLine(_ line: String) -> [Int32] { tokens(Self.plain(line), starts: true) }

  /// The two are cut into tokens on their own, so that a choice does not change the tokens of its
  /// prompt.
  package func encodeLine(_ rest: String, after line: String) -> [Int32] {
    encodeLine(line) + tokens(Self.plain(rest), starts: false)
  }

  private static func plain(_ line: String) -> String {
    let words = [
      ("<S> ", ""), ("<S>", ""), (" <P>", ""), ("<P>", ""), (" <O>", ":"), ("<O>", ":"),
      (" <E>", "."),
      ("<E>", "."),
    ]
    return words.reduce(line) { $0.replacing($1.0, with: $1.1) }
  }

  package func prepare(_ texts: [String], areWords: Bool) throws(CorpusError) {
    do {
      if areWords {
        try learn(texts.filter(Self.begins), starts: true)
        try learn(texts.filter { !Self.begins($0) }, starts: false)
      } else {
        try learn(texts.map(Self.spaced), starts: false)
        try learn(texts, starts: true)
      }
    } catch {
      throw .tokenizerFailed("\(error)")
    }
  }

  /// Asks what answers spell, and how these would be spelled canonically, many at once.
  ///
  /// Throws `LabError` where the other program fails.
  package func learn(_ answers: [[Int32]]) throws {
    let new = Set(answers).filter { tokens in known.withLock { $0.answers[tokens] == nil } }
      .sorted { $0.lexicographicallyPrecedes($1) }
    guard !new.isEmpty else { return }
    let texts = try source.decode(new)
    try learn(texts.compactMap { $0.map(Self.spaced) }, starts: false)
    known.withLock { known in
      for (tokens, text) in zip(new, texts) { known.answers[tokens] = .some(text) }
    }
  }

  private func learn(_ texts: [String], starts: Bool) throws {
    var places: Set<Key> = []
    var new: [String] = []
    known.withLock { known in
      for text in texts {
        let key = Key(text: Array(text.utf8), starts: starts)
        if known.tokens[key] == nil, places.insert(key).inserted { new.append(text) }
      }
    }
    guard !new.isEmpty else { return }
    let lists = try source.encode(new, starts: starts)
    known.withLock { known in
      for (text, tokens) in zip(new, lists) {
        known.tokens[Key(text: Array(text.utf8), starts: starts)] = tokens
      }
    }
  }

  private func tokens(_ text: String, starts: Bool) -> [Int32] {
    guard !text.isEmpty else { return [] }
    try? learn([text], starts: starts)
    let key = Key(text: Array(text.utf8), starts: starts)
    return known.withLock { $0.tokens[key] } ?? [SpecialToken.unknown.rawValue]
  }

  /// A name as it follows other words.
  private static func spaced(_ text: String) -> String {
    text.utf8.first == 0x20 || text.isEmpty ? text : " " + text
  }

  /// Whether words of a sentence stand at its beginning: those after the name begin with a space or
  /// a mark.
  private static func begins(_ text: String) -> Bool {
    text.first.map { $0.isLetter || $0.isNumber } ?? false
  }

  /// Without tokens: it stays in the model's folder, of whose files a run keeps the hashes.
  package var file: TokenizerFile { TokenizerFile(contents: TokenizerContents(words: [])) }
}
