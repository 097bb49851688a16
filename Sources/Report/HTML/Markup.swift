/// Text of elements with everything escaped; the output is well-formed XML as well as HTML.
enum Markup {
  /// Attributes in the order in which they are written.
  typealias Attributes = KeyValuePairs<String, String>

  /// An element with content that is already markup.
  static func element(_ name: String, _ attributes: Attributes = [:], _ content: String) -> String {
    "<\(name)\(text(attributes))>\(content)</\(name)>"
  }

  /// An element without content.
  static func empty(_ name: String, _ attributes: Attributes = [:]) -> String {
    "<\(name)\(text(attributes))/>"
  }

  /// An element whose content is plain text.
  static func text(_ name: String, _ attributes: Attributes = [:], _ content: String) -> String {
    element(name, attributes, escape(content))
  }

  /// A straight line from one point to another.
  static func line(
    _ name: String, _ from: (x: Double, y: Double), _ to: (x: Double, y: Double)
  ) -> String {
    empty(
      "line",
      [
        "class": name, "x1": number(from.x), "y1": number(from.y), "x2": number(to.x),
        "y2": number(to.y),
      ])
  }

  /// Plain text as markup: the five special characters as entities, forbidden ones as U+FFFD.
  static func escape(_ text: String) -> String {
    // Numbers, paths and encoded files, which are most of a page, need no look at each character.
    if text.utf8.allSatisfy(isHarmless) { return text }
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case _ where isForbidden(scalar): result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A number with at most two decimals, as short as it goes.
  static func number(_ value: Double) -> String {
    let hundredths = (value * 100).rounded()
    guard hundredths.isFinite, abs(hundredths) < 1e12 else { return "0" }
    return Cell.number((hundredths == 0 ? 0 : hundredths) / 100).plain
  }

  private static func text(_ attributes: Attributes) -> String {
    attributes.map { " \($0.key)=\"\(escape($0.value))\"" }.joined()
  }

  private static func isHarmless(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""),
      UInt8(ascii: "'"):
      false
    default: byte >= 0x20 && byte < 0x7F
    }
  }

  /// Control characters and the two noncharacters that XML 1.0 has no way to write.
  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0xFFFE
      || scalar.value == 0xFFFF
  }
}

extension Markup {
  /// A style sheet as XML text; quotes stay, since a style sheet is read after entities are
  /// resolved.
  static func escapeStyle(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
  }
}
