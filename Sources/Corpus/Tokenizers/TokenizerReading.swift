import Foundation
import LabCore

/// A `tokenizer.json` as it is read: tokens and merges apart from the settings, which may only be
/// kglab's.
struct TokenizerReading: Decodable {
  /// Two tokens in a list, or in a string as `tokenizers` before 0.20 writes them.
  private struct Pair: Decodable {
    let left: String
    let right: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let text = try? container.decode(String.self)
      let parts =
        try text?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        ?? container.decode([String].self)
      guard parts.count == 2 else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "no pair of tokens")
      }
      (left, right) = (parts[0], parts[1])
    }
  }

  private struct Model: Decodable {
    let type: String
    let vocab: [String: Int]
    let merges: [Pair]?
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private let model: Model
  /// Everything but tokens and merges.
  private var settings: [String: JSONValue]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let modelKey = Key(stringValue: "model")
    model = try container.decode(Model.self, forKey: modelKey)
    let inner = try container.nestedContainer(keyedBy: Key.self, forKey: modelKey)
    func values(
      of container: KeyedDecodingContainer<Key>, without skipped: Set<String>
    ) throws -> [String: JSONValue] {
      let keys = container.allKeys.filter { !skipped.contains($0.stringValue) }
      return Dictionary(
        uniqueKeysWithValues: try keys.map {
          ($0.stringValue, try container.decode(JSONValue.self, forKey: $0))
        })
    }
    settings = try values(of: container, without: ["model"]).merging([
      "model": .object(values(of: inner, without: ["vocab", "merges"]))
    ]) { $1 }
  }

  /// The tokenizer that the file describes, after checking that names get the tokens they get in
  /// Python.
  ///
  /// Throws `TokenizerFault` at the first thing that is wrong.
  func tokenizer() throws -> any Tokenizer {
    if case .list(let added) = settings["added_tokens"],
      added.count == SpecialToken.allCases.count + 1
    {
      return try slottedTokenizer(added)
    }
    let tokens = try tokensByID()
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

  // MARK: Settings

  /// Holds everything but tokens and merges to what kglab writes for a tokenizer of this kind.
  private func checkSettings(_ expected: TokenizerContents) throws {
    var expected = expected
    expected.model.vocab = [:]
    expected.model.merges = nil
    var value = try JSONDecoder().decode(JSONValue.self, from: CanonicalJSON.compact(expected))
    if case .object(var fields) = value, case .object(var model) = fields["model"] {
      model["vocab"] = nil
      fields["model"] = .object(model)
      value = .object(fields)
    }
    var settings = settings
    if Self.addsNothing(settings["post_processor"]) { settings["post_processor"] = nil }
    try Self.check(.object(settings), isLike: value, at: "")
  }

  /// Whether a text's tokens stay as they are: the template that transformers 5.24 writes where
  /// there was none.
  private static func addsNothing(_ processor: JSONValue?) -> Bool {
    guard case .object(let fields)? = processor else { return false }
    let whole = JSONValue.object(["id": .text("A"), "type_id": .number(0)])
    return fields["type"] == .text("TemplateProcessing") && fields["special_tokens"] == .object([:])
      && fields["single"] == .list([.object(["Sequence": whole])])
  }

  /// Throws at the first place where a value says something else than kglab's: what kglab does not
  /// write must be null, false, 0 or "", which change nothing.
  private static func check(
    _ found: JSONValue, isLike expected: JSONValue, at place: String
  ) throws {
    switch (found, expected) {
    case (.object(let found), .object(let expected)):
      for key in Set(found.keys).union(expected.keys).sorted() {
        let inner = place.isEmpty ? key : "\(place).\(key)"
        guard let wanted = expected[key] else {
          let isNeutral = [.null, .flag(false), .number(0), .text("")].contains(found[key])
          if !isNeutral { throw fault(inner, found[key], expected: .null) }
          continue
        }
        guard let value = found[key] else { throw fault(inner, nil, expected: wanted) }
        try check(value, isLike: wanted, at: inner)
      }
    case (.list(let found), .list(let expected)) where found.count == expected.count:
      for (index, (value, wanted)) in zip(found, expected).enumerated() {
        try check(value, isLike: wanted, at: "\(place)[\(index)]")
      }
    case (.list(let found), .list(let expected)):
      throw TokenizerFault(
        reason: "'\(place)' has \(found.count) entries, and kglab's \(expected.count)")
    default:
      guard found == expected else { throw fault(place, found, expected: expected) }
    }
  }

  private static func fault(
    _ place: String, _ found: JSONValue?, expected: JSONValue
  ) -> TokenizerFault {
    let value = found.map { "is \($0.description.prefix(80))" } ?? "is missing"
    return TokenizerFault(
      reason: "'\(place)' \(value), which cuts text in another way; kglab supports \(expected)")
  }

  // MARK: Kinds

  /// One more special token is that of the slot, after all others.
  private func slottedTokenizer(_ added: [JSONValue]) throws -> any Tokenizer {
    var other = self
    other.settings["added_tokens"] = .list(added.dropLast())
    let tokenizer = SlottedTokenizer(try other.tokenizer())
    let expected = try JSONDecoder().decode(
      [JSONValue].self, from: CanonicalJSON.compact(tokenizer.file.contents.addedTokens))
    try Self.check(.list(added), isLike: .list(expected), at: "added_tokens")
    return tokenizer
  }

  private func wordTokenizer(_ tokens: [String]) throws -> any Tokenizer {
    guard case .object(let step) = settings["pre_tokenizer"],
      step["pattern"] == .object(["String": .text("\u{1F}")])
    else {
      try checkSettings(TokenizerContents(words: []))
      for (id, text) in tokens.enumerated() {
        try check(
          !text.isEmpty && !text.utf8.contains(0x20),
          "the token with the id \(id) is empty or has a space inside")
      }
      return WordTokenizer(vocabulary: tokens)
    }
    try checkSettings(TokenizerContents(names: []))
    for (id, text) in tokens.enumerated() {
      try check(
        !text.isEmpty && !text.utf8.contains(EntityTokenizer.separator),
        "the token with the id \(id) is empty or has a unit separator inside")
    }
    return EntityTokenizer(vocabulary: tokens)
  }

  private func bytePairTokenizer(_ tokens: [String]) throws -> any Tokenizer {
    try checkSettings(TokenizerContents(bytes: [], merges: []))
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
    if merges.isEmpty && bytes.count == ByteAlphabet.vocabularySize {
      return BytePairTokenizer.ofBytes
    }
    return BytePairTokenizer(merges: merges, bytes: bytes)
  }

  private func checkedMerges() throws -> [BytePairTokenizer.Merge] {
    guard let pairs = model.merges else { throw TokenizerFault(reason: "it has no merges") }
    var seen: Set<UInt64> = []
    return try pairs.enumerated().map { index, pair in
      let place = "merge \(index + 1) ('\(pair.left)' and '\(pair.right)')"
      guard let left = model.vocab[pair.left], let right = model.vocab[pair.right],
        let result = model.vocab[pair.left + pair.right],
        min(left, right, result) >= Int(ByteAlphabet.base)
      else { throw TokenizerFault(reason: "\(place) uses a token that is not there") }
      let key = TokenPairTable.key(Int32(left), Int32(right))
      try check(seen.insert(key).inserted, "\(place) occurs twice")
      return BytePairTokenizer.Merge(
        left: Int32(left), right: Int32(right), result: Int32(result))
    }
  }
}
