import Foundation

/// A paragraph: plain text with emphasis and code.
///
/// Literals carry minimal markup: `*emphasis*`, and code between backquotes. Interpolated values
/// are always plain text, so a name from a graph can hold any character: `"*\(name)* has \(count)
/// facts"`.
package struct Prose: Hashable, Sendable {
  /// How a piece of a paragraph is set.
  package enum Style: Hashable, Sendable {
    case plain, emphasis, code
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
      case "`": style = style == .code ? .plain : .code
      case "*" where style == .emphasis: style = .plain
      case "*" where style == .plain && rest.first?.isWhitespace != true: style = .emphasis
      default: prose.append(String(character), style)
      }
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
  }
}
