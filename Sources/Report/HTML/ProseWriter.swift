import Foundation

/// Words, commands and download links as HTML.
enum ProseWriter {
  static func paragraph(_ prose: Prose) -> String { Markup.element("p", [:], inline(prose)) }

  static func inline(_ prose: Prose) -> String {
    prose.spans.map { span in
      switch span.style {
      case .plain: Markup.escape(span.text)
      case .emphasis: Markup.text("em", [:], span.text)
      case .code: Markup.text("code", [:], span.text)
      }
    }.joined()
  }

  /// A command line in a box of its own.
  static func command(_ line: String) -> String {
    Markup.element(
      "pre", ["class": "command", "tabindex": "0"], Markup.text("code", [:], line))
  }

  /// A link that saves `data` under `name` without a server.
  static func download(_ words: String, _ name: String, _ type: String, _ data: Data) -> String {
    Markup.text(
      "a",
      [
        "href": "data:\(type);base64,\(data.base64EncodedString())", "download": name,
        "title": "Save \(name)",
      ], words)
  }
}
