/// One token for each UTF-8 byte: 262 ids, any Unicode text, one spelling of each name.
package struct ByteTokenizer: Tokenizer {
  package let kind = TokenizerKind.byte

  package init() {}

  package var vocabularySize: Int { ByteAlphabet.vocabularySize }

  package func encode(_ text: String) -> [Int32] { text.utf8.map { ByteAlphabet.ids[Int($0)] } }

  package func decode(_ tokens: some Collection<Int32>) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tokens.count)
    for token in tokens {
      guard let byte = Self.byte(of: token) else { return nil }
      bytes.append(byte)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  package func text(of token: Int32) -> String {
    if let special = SpecialToken(rawValue: token) { return special.text }
    return Self.byte(of: token).map { ByteAlphabet.readable([$0]) } ?? "<\(token)?>"
  }

  private static func byte(of token: Int32) -> UInt8? {
    let rank = Int(token) - Int(ByteAlphabet.base)
    return ByteAlphabet.order.indices.contains(rank) ? ByteAlphabet.order[rank] : nil
  }
}
