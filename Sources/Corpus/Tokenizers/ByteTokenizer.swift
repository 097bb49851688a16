/// One token for each UTF-8 byte: 262 ids, any Unicode text, one spelling of each name.
package struct ByteTokenizer: Tokenizer {
  package let kind = TokenizerKind.byte

  package init() {}

  package var vocabularySize: Int { ByteAlphabet.vocabularySize }

  package var keepsSpaces: Bool { true }

  package func encode(_ text: String, into tokens: inout [Int32]) {
    let ids = ByteAlphabet.ids
    let view = text.utf8
    let bytes = view.span
    for index in bytes.indices { tokens.append(ids[Int(bytes[index])]) }
  }

  package func encodeWords(_ text: String, into tokens: inout [Int32]) {
    encode(text, into: &tokens)
  }

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
