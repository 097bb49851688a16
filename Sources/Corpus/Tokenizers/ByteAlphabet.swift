/// GPT-2's way of writing bytes as printable characters.
///
/// Radford et al. (2019): printable Latin-1 stands for itself; the other 68 bytes are U+0100
/// onwards. Byte tokens have their ids in the order of these characters, as Hugging Face's trainer
/// gives them.
enum ByteAlphabet {
  /// The first id of a byte token.
  static let base = Int32(SpecialToken.allCases.count)
  /// Special tokens and 256 bytes.
  static let vocabularySize = SpecialToken.allCases.count + 256

  /// The character that stands for each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt32(0)...255).map { byte in
      let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
      defer { next += isPrintable ? 0 : 1 }
      return Unicode.Scalar(isPrintable ? byte : next) ?? "\u{FFFD}"
    }
  }()

  /// Bytes in the order of their ids.
  static let order: [UInt8] = (UInt8.min...UInt8.max).sorted { scalars[Int($0)] < scalars[Int($1)] }

  /// The bytes of each token of a vocabulary without merges; none for special tokens.
  static let tokens = SpecialToken.allCases.map { _ in [UInt8]() } + order.map { [$0] }

  /// The id of each byte.
  static let ids: [Int32] = {
    var ids = [Int32](repeating: 0, count: 256)
    for (rank, byte) in order.enumerated() { ids[Int(byte)] = base + Int32(rank) }
    return ids
  }()

  private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
    uniqueKeysWithValues: scalars.enumerated().map { ($0.element, UInt8($0.offset)) })

  /// Bytes written in the alphabet.
  static func text(of bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }

  /// The bytes that a text in the alphabet stands for, or nil where it has another character.
  static func bytes(of text: String) -> [UInt8]? {
    var result: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard let byte = bytes[scalar] else { return nil }
      result.append(byte)
    }
    return result
  }

  /// Bytes as a person would read them: a space as U+2423, bytes that are not UTF-8 in hexadecimal.
  static func readable(_ bytes: [UInt8]) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      return "<" + bytes.map { hexadecimal($0) }.joined(separator: " ") + ">"
    }
    return text.unicodeScalars.map { scalar in
      switch scalar.value {
      case 0x20: "\u{2423}"
      case 0..<0x20, 0x7F: "<" + hexadecimal(UInt8(scalar.value)) + ">"
      default: String(scalar)
      }
    }.joined()
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }
}
