/// One token for each space-separated piece of a name.
///
/// Ids follow the special tokens in the order in which pieces first appear in the names, sorted by UTF-8
/// bytes: a pure function of the set of names.
package struct WordTokenizer: Tokenizer {
  package let kind = TokenizerKind.word
  /// Pieces by id, special tokens first.
  let vocabulary: [String]
  private let ids: [String: Int32]

  /// The tokenizer whose vocabulary is all pieces of `names`.
  ///
  /// Throws `CorpusError` for a name that single spaces between pieces do not give back (empty, double
  /// spaces, a space at an end), that contains a special token's text, or whose piece equals another
  /// piece only after Unicode normalisation.
  package init(names: [String]) throws(CorpusError) {
    var vocabulary = SpecialToken.allCases.map(\.text)
    var ids: [String: Int32] = [:]
    var sources: [String] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      if let reason = Self.refusal(of: name) {
        throw .nameUnspellable(name: name, kind: .word, reason: reason)
      }
      for piece in Self.pieces(of: name) {
        if let id = ids[piece] {
          guard vocabulary[Int(id)].utf8.elementsEqual(piece.utf8) else {
            throw .namesAlike(first: sources[Int(id) - SpecialToken.allCases.count], second: name)
          }
        } else {
          ids[piece] = Int32(vocabulary.count)
          vocabulary.append(piece)
          sources.append(name)
        }
      }
    }
    self.init(vocabulary: vocabulary, ids: ids)
  }

  /// A tokenizer whose vocabulary has been checked: special tokens first, pieces all different.
  init(vocabulary: [String], ids: [String: Int32]) {
    self.vocabulary = vocabulary
    self.ids = ids
  }

  package var vocabularySize: Int { vocabulary.count }

  package func encode(_ text: String) -> [Int32] {
    Self.pieces(of: text).map { ids[$0] ?? SpecialToken.unknown.rawValue }
  }

  package func decode(_ tokens: some Collection<Int32>) -> String? {
    guard tokens.allSatisfy({ isPiece($0) }) else { return nil }
    return tokens.map { vocabulary[Int($0)] }.joined(separator: " ")
  }

  package func text(of token: Int32) -> String {
    vocabulary.indices.contains(Int(token)) ? vocabulary[Int(token)] : "<\(token)?>"
  }

  private func isPiece(_ token: Int32) -> Bool {
    token >= Int32(SpecialToken.allCases.count) && token < Int32(vocabulary.count)
  }

  /// The pieces between single U+0020; empty ones are kept, and are in no vocabulary.
  private static func pieces(of name: String) -> [String] {
    name.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map { String(Substring($0)) }
  }

  /// Why a name cannot be spelled in pieces, or nil where it can.
  private static func refusal(of name: String) -> String? {
    if name.isEmpty { return "it is empty" }
    if name.utf8.first == 0x20 || name.utf8.last == 0x20 { return "it begins or ends with a space" }
    if name.utf8.split(separator: 0x20, omittingEmptySubsequences: false).contains(where: \.isEmpty)
    {
      return "it has two spaces in a row"
    }
    if let token = SpecialToken.allCases.first(where: { name.contains($0.text) }) {
      return "it contains the special token \(token.text)"
    }
    return nil
  }
}
