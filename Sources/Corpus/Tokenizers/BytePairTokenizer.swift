import LabCore

/// Byte-level byte-pair encoding on GPT-2's byte alphabet: spells any Unicode text.
///
/// The method is that of Sennrich et al. (2016), the alphabet that of Radford et al. (2019).
/// Merges never cross a space, because names are cut before each space for training.
package struct BytePairTokenizer: Tokenizer {
  /// Two tokens that become one.
  struct Merge: Hashable, Sendable {
    let left: Int32
    let right: Int32
    let result: Int32
  }

  package let kind: TokenizerKind
  /// In order of learning, which is their order of preference.
  let merges: [Merge]
  /// The bytes of each token; empty for special tokens.
  let bytes: [[UInt8]]
  private let encoder: BytePairEncoder

  /// Learns merges from names and their counts until the vocabulary is full or no pair occurs
  /// twice.
  ///
  /// Of equally frequent pairs the one with the smaller ids goes first, as in Hugging Face's
  /// trainer. Throws `CorpusError.vocabularyTooSmall` where `vocabularySize` is below 262,
  /// `.interrupted` when `shouldStop` says so.
  package init(
    trainedOn names: [(name: String, count: Int)], vocabularySize: Int,
    shouldStop: () -> Bool = { Interruption.isRequested }
  ) throws(CorpusError) {
    guard vocabularySize >= ByteAlphabet.vocabularySize else {
      throw .vocabularyTooSmall(requested: vocabularySize, least: ByteAlphabet.vocabularySize)
    }
    var trainer = BytePairTrainer(names: names)
    try trainer.run(vocabularySize: vocabularySize, shouldStop: shouldStop)
    self.init(merges: trainer.merges, bytes: trainer.bytes)
  }

  /// A tokenizer with checked merges: ids are in range and each pair occurs once.
  init(merges: [Merge], bytes: [[UInt8]], kind: TokenizerKind = .bpe) {
    self.kind = kind
    self.merges = merges
    self.bytes = bytes
    encoder = BytePairEncoder(merges: merges, bytes: bytes)
  }

  /// One token for each UTF-8 byte and no merges: 262 ids, any Unicode text, one spelling of each
  /// name.
  package static let ofBytes = BytePairTokenizer(
    merges: [], bytes: ByteAlphabet.tokens, kind: .byte)

  package var vocabularySize: Int { bytes.count }
  package var keepsSpaces: Bool { true }

  package func encode(_ text: String, into tokens: inout [Int32]) {
    let view = text.utf8
    encoder.encode(view.span, into: &tokens)
  }

  package func encodeWords(_ text: String, into tokens: inout [Int32]) {
    encode(text, into: &tokens)
  }

  package func decode(_ tokens: some Collection<Int32>) -> String? {
    var spelled: [UInt8] = []
    for token in tokens {
      guard token >= ByteAlphabet.base, Int(token) < bytes.count else { return nil }
      spelled.append(contentsOf: bytes[Int(token)])
    }
    return String(validating: spelled, as: UTF8.self)
  }

  package func text(of token: Int32) -> String {
    if let special = SpecialToken(rawValue: token) { return special.text }
    return bytes.indices.contains(Int(token))
      ? ByteAlphabet.readable(bytes[Int(token)]) : "<\(token)?>"
  }
}
