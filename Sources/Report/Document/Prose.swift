import Foundation

/// A paragraph: plain text with emphasis, code and links.
///
/// Literals carry minimal markup: `*emphasis*`, `**strong**`, and code between backquotes; a backslash
/// takes the meaning from the next character. Interpolated values are always plain text, so a name
/// from a graph can hold any character: `"*\(name)* has \(count) facts"`.
package struct Prose: Hashable, Sendable {
  /// How a piece of a paragraph is set.
  package enum Style: Hashable, Sendable {
    case plain, emphasis, strong, code
    /// A link that opens only when a reader follows it; `http` and `https` addresses alone.
    case link(String)
  }

  /// A piece of text in one style.
  package struct Span: Hashable, Sendable {
    package var style: Style
    package var text: String

    package init(style: Style, text: String) {
      self.style = style
      self.text = text
    }
  }

  package private(set) var spans: [Span] = []

  /// Text without markup: every character stands for itself.
  package init(plain text: String) { append(text, .plain) }

  /// Text whose markup is read; for words written by a programmer, never for names from a graph.
  package init(markup text: String) {
    var reader = MarkupReader()
    reader.read(text, into: &self)
  }

  /// The words alone.
  package var text: String { spans.map(\.text).joined() }

  package var isEmpty: Bool { spans.allSatisfy(\.text.isEmpty) }

  /// One paragraph after another.
  package static func + (first: Prose, second: Prose) -> Prose {
    var joined = first
    second.spans.forEach { joined.append($0.text, $0.style) }
    return joined
  }

  fileprivate init() {}

  fileprivate mutating func append(_ text: String, _ style: Style) {
    guard !text.isEmpty else { return }
    if let last = spans.indices.last, spans[last].style == style {
      spans[last].text += text
    } else {
      spans.append(Span(style: style, text: text))
    }
  }
}

/// Reads markup; its style carries over from one literal segment to the next.
private struct MarkupReader {
  var style = Prose.Style.plain

  mutating func read(_ text: String, into prose: inout Prose) {
    var rest = text[...]
    while let character = rest.popFirst() {
      switch character {
      case "\\":
        if let next = rest.popFirst() { prose.append(String(next), style) }
      case "`": style = style == .code ? .plain : .code
      case "*" where style != .code: readStars(&rest, into: &prose)
      default: prose.append(String(character), style)
      }
    }
  }

  private mutating func readStars(_ rest: inout Substring, into prose: inout Prose) {
    let isDouble = rest.first == "*"
    let wanted: Prose.Style = isDouble ? .strong : .emphasis
    if isDouble { rest.removeFirst() }
    if style == wanted {
      style = .plain
    } else if style == .plain, rest.first.map({ !$0.isWhitespace }) ?? true {
      style = wanted
    } else {
      prose.append(isDouble ? "**" : "*", style)
    }
  }
}

extension Prose: ExpressibleByStringInterpolation {
  package init(stringLiteral value: String) { self.init(markup: value) }

  package init(stringInterpolation: StringInterpolation) { self = stringInterpolation.prose }

  /// Collects literal segments as markup and values as plain text.
  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var prose = Prose()
    private var reader = MarkupReader()

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) { reader.read(literal, into: &prose) }

    /// A value as plain text in the style of its surroundings.
    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      prose.append(value.description, reader.style)
    }

    /// A paragraph inside a paragraph, its styles kept.
    package mutating func appendInterpolation(_ value: Prose) {
      value.spans.forEach { prose.append($0.text, $0.style) }
    }

    /// A link; an address that is not `http` or `https` leaves the words alone.
    package mutating func appendInterpolation(link words: String, to address: String) {
      let isWeb = address.hasPrefix("https://") || address.hasPrefix("http://")
      prose.append(words, isWeb ? .link(address) : reader.style)
    }
  }
}
