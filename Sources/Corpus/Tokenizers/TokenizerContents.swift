import LabCore

/// The fields of `tokenizer.json` that decide which tokens a text has.
struct TokenizerContents: Encodable, Sendable {
  /// A special token that is cut out of the text first.
  struct AddedToken: Encodable, Sendable {
    let id: Int
    let content: String
    let singleWord: Bool
    /// Whether white space before and after it belongs to it.
    let lstrip: Bool
    let rstrip: Bool
    let normalized: Bool
    let special: Bool

    private enum CodingKeys: String, SnakeCaseKey {
      case id, content, lstrip, rstrip, normalized, special, singleWord
    }

    init(id: Int, content: String, strips: Bool) {
      self.id = id
      self.content = content
      singleWord = false
      lstrip = strips
      rstrip = strips
      normalized = false
      special = true
    }
  }

  /// How text between special tokens is cut, or tokens are joined.
  struct Step: Encodable, Sendable {
    struct Pattern: Encodable, Sendable {
      let text: String

      private enum CodingKeys: String, CodingKey { case text = "String" }
    }

    let type: String
    var pattern: Pattern?
    var behavior: String?
    var invert: Bool?
    var addPrefixSpace: Bool?
    var trimOffsets: Bool?
    var useRegex: Bool?

    private enum CodingKeys: String, SnakeCaseKey {
      case type, pattern, behavior, invert, addPrefixSpace, trimOffsets, useRegex
    }

    /// Cuts at each U+0020 and drops it.
    static let splitAtSpaces = Step(
      type: "Split", pattern: Pattern(text: " "), behavior: "Removed", invert: false)
    /// Cuts at each U+001F and drops it.
    static let splitAtUnitSeparators = Step(
      type: "Split", pattern: Pattern(text: "\u{1F}"), behavior: "Removed", invert: false)
    /// Turns bytes into the byte alphabet and back, with no cutting.
    static let byteLevel = Step(
      type: "ByteLevel", addPrefixSpace: false, trimOffsets: false, useRegex: false)
  }

  /// Tokens and their ids; a file has either `unknown` (words) or `merges` (pairs of bytes).
  struct Model: Encodable, Sendable {
    let type: String
    var vocab: [String: Int]
    var unknown: String?
    var merges: [[String]]?

    private enum CodingKeys: String, CodingKey {
      case type, vocab, merges
      case unknown = "unk_token"
    }
  }

  var version = "1.0"
  var addedTokens: [AddedToken]
  let preTokenizer: Step?
  let decoder: Step?
  var model: Model

  private enum CodingKeys: String, SnakeCaseKey {
    case version, decoder, model, addedTokens, preTokenizer
  }

  private init(strips: Bool, preTokenizer: Step, decoder: Step?, model: Model) {
    addedTokens = SpecialToken.allCases.map {
      AddedToken(id: Int($0.rawValue), content: $0.text, strips: strips)
    }
    self.preTokenizer = preTokenizer
    self.decoder = decoder
    self.model = model
  }

  /// Word-level: spaces are cut away, so those beside special tokens vanish too.
  init(words vocabulary: [String]) {
    self.init(
      strips: false, preTokenizer: .splitAtSpaces, decoder: nil, model: Self.words(vocabulary))
  }

  /// One token a name: spaces beside special tokens belong to those, all others to names.
  init(names vocabulary: [String]) {
    self.init(
      strips: true, preTokenizer: .splitAtUnitSeparators, decoder: nil,
      model: Self.words(vocabulary))
  }

  private static func words(_ vocabulary: [String]) -> Model {
    Model(type: "WordLevel", vocab: ids(vocabulary), unknown: SpecialToken.unknown.text)
  }

  private static func ids(_ texts: [String]) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: texts.enumerated().map { ($0.element, $0.offset) })
  }

  /// Byte-level pairs: spaces beside special tokens belong to those.
  init(bytes: [[UInt8]], merges: [BytePairTokenizer.Merge]) {
    let texts = bytes.enumerated().map { id, bytes in
      SpecialToken(rawValue: Int32(id))?.text ?? ByteAlphabet.text(of: bytes)
    }
    self.init(
      strips: true, preTokenizer: .byteLevel, decoder: .byteLevel,
      model: Model(
        type: "BPE", vocab: Self.ids(texts),
        merges: merges.map { [texts[Int($0.left)], texts[Int($0.right)]] }))
  }
}

extension WordTokenizer {
  package var file: TokenizerFile { TokenizerFile(contents: TokenizerContents(words: vocabulary)) }
}

extension EntityTokenizer {
  package var file: TokenizerFile { TokenizerFile(contents: TokenizerContents(names: vocabulary)) }
}

extension BytePairTokenizer {
  package var file: TokenizerFile {
    TokenizerFile(contents: TokenizerContents(bytes: bytes, merges: merges))
  }
}
