/// The tokens that announce the fields of a triple; their ids are the same in every tokenizer.
package enum SpecialToken: Int32, CaseIterable, Sendable {
  case padding = 0
  case unknown = 1
  case subject = 2
  case predicate = 3
  case object = 4
  case end = 5

  package var text: String {
    switch self {
    case .padding: "<pad>"
    case .unknown: "<unk>"
    case .subject: "<S>"
    case .predicate: "<P>"
    case .object: "<O>"
    case .end: "<E>"
    }
  }
}

/// How names are cut into tokens: the values of `--tokenizer`.
package enum TokenizerKind: String, Codable, CaseIterable, Sendable {
  /// One token for each space-separated piece of a name.
  case word
  /// Byte-level byte-pair encoding trained on the corpus (Sennrich et al. 2016; GPT-2's byte
  /// alphabet).
  case bpe
  /// One token for each name.
  case entity
  /// One token for each UTF-8 byte.
  case byte
}

/// Turns names into tokens and back.
///
/// Different names have different tokens, and `decode(encode(name)) == name` for every name a
/// tokenizer accepts. Tokens other than the canonical ones may spell the same name (`bpe`).
package protocol Tokenizer: Sendable {
  var kind: TokenizerKind { get }
  /// Number of ids, special tokens included.
  var vocabularySize: Int { get }
  /// Whether spaces are (parts of) tokens: those beside a name in a sentence are then said with
  /// what follows.
  var keepsSpaces: Bool { get }
  /// Whether a name has other tokens where it answers than where a text begins with it.
  var spacesAnswers: Bool { get }
  /// `<X>`, which begins a slot; nil where lines have none.
  var slotToken: Int32? { get }
  /// Appends the canonical tokens of a name; never special tokens other than `unknown`.
  func encode(_ text: String, into tokens: inout [Int32])
  /// Appends the tokens of a name that a text begins with.
  func encodeFirst(_ text: String, into tokens: inout [Int32])
  /// Makes ready to encode many texts: names, or with `areWords` words around them.
  ///
  /// Throws `CorpusError.tokenizerFailed` where the tokenizer is another program's and that fails.
  func prepare(_ texts: [String], areWords: Bool) throws(CorpusError)
  /// The tokens of a line in which special tokens are written out.
  func encodeLine(_ line: String) -> [Int32]
  /// The tokens of a line and what follows it.
  func encodeLine(_ rest: String, after line: String) -> [Int32]
  /// Appends the tokens of the words of a sentence that stand around a name.
  func encodeWords(_ text: String, into tokens: inout [Int32])
  /// The name the tokens spell, or nil where a special token is among them or the bytes are not
  /// UTF-8.
  func decode(_ tokens: some Collection<Int32>) -> String?
  /// Makes ready to decode many answers; throws where the tokenizer is another program's and that
  /// fails.
  func learn(_ answers: [[Int32]]) throws
  /// The text of one token as a person would read it, for tables.
  func text(of token: Int32) -> String
  /// What `tokenizer.json` holds for this tokenizer.
  var file: TokenizerFile { get }
}

extension Tokenizer {
  package var spacesAnswers: Bool { false }
  package var slotToken: Int32? { nil }

  package func encodeLine(_ rest: String, after line: String) -> [Int32] {
    encodeLine(line + rest)
  }

  package func encodeFirst(_ text: String, into tokens: inout [Int32]) {
    encode(text, into: &tokens)
  }

  package func prepare(_ texts: [String], areWords: Bool) throws(CorpusError) {}

  package func learn(_ answers: [[Int32]]) throws {}

  /// The canonical tokens of a name.
  package func encode(_ text: String) -> [Int32] {
    var tokens: [Int32] = []
    encode(text, into: &tokens)
    return tokens
  }
}
