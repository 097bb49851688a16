import Foundation

extension Readable {
  /// A text from a file or a user as a terminal may show it.
  ///
  /// Nothing in it moves the cursor, ends a line or turns the direction of writing: such characters
  /// are spelt out, as `\u{1B}`.
  package static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHidden) else { return text }
    return text.unicodeScalars.reduce(into: "") { shown, scalar in
      if isHidden(scalar) {
        shown += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
  }

  /// Controls (C0, C1, delete), line and paragraph separators, and what sets the direction of
  /// writing.
  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }

  /// A name of files and tables as words: "wrong object" of "wrong_object".
  package static func words(_ name: String) -> String {
    name.replacingOccurrences(of: "_", with: " ")
  }

  /// A word as a shell takes it: quoted where it has any but letters, digits and `_ - . / : , + @ %
  /// =`.
  package static func shellWord(_ word: String) -> String {
    let plain = CharacterSet(
      charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:,+@%=")
    if !word.isEmpty, word.unicodeScalars.allSatisfy(plain.contains) { return word }
    return "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}
