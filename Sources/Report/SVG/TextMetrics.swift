/// Widths of text without a font: averages of common sans-serif faces, a little generous.
enum TextMetrics {
  /// The width of `text` set at `size`, in the same unit.
  static func width(_ text: String, size: Double) -> Double {
    text.unicodeScalars.reduce(0) { $0 + share($1) } * size
  }

  /// `text`, cut and closed with an ellipsis where it is wider than `limit`.
  static func fitted(_ text: String, size: Double, limit: Double) -> String {
    guard width(text, size: size) > limit else { return text }
    var cut = text
    while !cut.isEmpty, width(cut + "…", size: size) > limit { cut.removeLast() }
    return cut + "…"
  }

  /// `text` broken at spaces into lines no wider than `limit`; of more than `most` the last ends
  /// with an ellipsis.
  static func lines(_ text: String, size: Double, limit: Double, most: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last,
        lines.count == most || width("\(last) \(word)", size: size) <= limit
      {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { fitted($0, size: size, limit: limit) }
  }

  private static func share(_ scalar: Unicode.Scalar) -> Double {
    switch scalar {
    case "i", "l", "j", "t", "f", "r", "I", ".", ",", ":", ";", "'", "|", "(", ")", "[", "]", " ":
      0.34
    case "m", "w", "M", "W", "%", "@": 0.9
    case "\u{202F}": 0.2
    case _ where scalar.value > 0x2E80: 1.05
    case _ where scalar.properties.isUppercase: 0.69
    default: 0.58
    }
  }
}
