import Foundation
import LabCore

/// Names as nasty as files can hold, drawn from a seed.
enum RandomNames {
  /// Pieces that formats, tools or Unicode treat in some way of their own.
  private static let pieces: [[UInt8]] =
    [
      "\t", "\n", "\r", "\r\n", "\\", "\\t", "\\n", "\\\\", "\\escaped:", "\"", "'", "<", ">", "<>",
      "{", "}", "|", "^", "`", "%", "%41", "%zz", "#", "?", "/", " ", "  ", "\u{A0}", "\u{3000}",
      "\u{85}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{200E}", "\u{202E}", "\u{2066}", "\u{FFFE}",
      "\u{E000}", "\u{1}", "\u{8}", "\u{B}", "\u{C}", "\u{1F}", "\u{7F}", "\u{9F}", "שלום", "عربي",
      "Å", "A\u{30A}", "\u{212B}", "é", "e\u{301}", "\u{301}", "ﬁ", "ß", "日本", "😀", "👨‍👩‍👧", "🇸🇪",
      "\u{10FFFF}", "a", "b", "Z", "0", "-", "_", ".", ":", "_:", "_:b0", "<http://a.b/c>",
      "<urn:kglab:a>", "\"x\"", "\"x\"@en", "\"1\"^^<http://a.b/int>", "\"\\n\"", "urn:kglab:",
      "null", "\\u0041", "\\uD800", "@", " .", ", ", "<S>", "<E>",
    ].map { Array($0.utf8) }
  /// What no name may hold: NUL, and bytes that are no UTF-8 (halves, surrogates, overlong,
  /// beyond).
  private static let forbidden: [[UInt8]] = [
    [0], [0xFF], [0x80], [0xC3], [0xED, 0xA0, 0x80], [0xED, 0xB0, 0x80], [0xC0, 0xAF],
    [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
  ]

  /// `count` different names; about one in twelve can be no name.
  static func draw(_ count: Int, seed: UInt64) -> [[UInt8]] {
    var stream = Seed(seed).stream("test/names")
    var names: Set<[UInt8]> = []
    var list: [[UInt8]] = []
    while list.count < count {
      var name: [UInt8] = []
      for _ in 0..<(1 + stream.below(6)) { name += pieces[stream.below(pieces.count)] }
      if stream.below(12) == 0 {
        name.insert(
          contentsOf: forbidden[stream.below(forbidden.count)], at: stream.below(name.count + 1))
      }
      if names.insert(name).inserted { list.append(name) }
    }
    return list
  }

  /// Whether bytes can be a name, by a check of its own.
  static func isName(_ bytes: [UInt8]) -> Bool {
    !bytes.isEmpty && !bytes.contains(0)
      && Array(String(decoding: bytes, as: UTF8.self).utf8) == bytes
  }
}
