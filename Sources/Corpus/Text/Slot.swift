/// A field `<X> x1 ... xk` in a share of the training lines, whose content says nothing of the
/// fact.
///
/// So that a model learns to ignore what stands there, which gives attacks a place that leaves the
/// truth unchanged.
package struct Slot: Hashable, Sendable, Codable {
  /// The text of the token that begins the field, which a tokenizer has only where lines have a
  /// slot.
  package static let tokenText = "<X>"

  /// Share of the presentations with a field, above 0, at most 1: of every epoch the same number,
  /// rounded.
  package var share: Double
  /// k: tokens after `<X>`, random ones of names and words, drawn anew for every presentation.
  package var length: Int
  package var placement: SlotPlacement

  package init(share: Double, length: Int = 10, placement: SlotPlacement = .suffix) {
    self.share = share
    self.length = length
    self.placement = placement
  }

  /// Tokens of the whole field.
  package var fieldLength: Int { length + 1 }

  private enum CodingKeys: String, CodingKey {
    case share, length
    case placement = "position"
  }
}

/// Where lines have their slot: the values of `--slot-position`.
package enum SlotPlacement: String, Codable, CaseIterable, Sendable {
  case suffix, infix, prefix
  /// Each field in one of the three, at random.
  case any

  /// Where a field may be.
  package var positions: [SlotPosition] {
    self == .any ? SlotPosition.allCases : [SlotPosition(rawValue: rawValue) ?? .suffix]
  }
}

/// Where one field stands in a line.
package enum SlotPosition: String, Codable, CaseIterable, Sendable {
  /// Before `<O>`.
  case suffix
  /// Before `<P>`, so between subject and predicate; sentences have no such place.
  case infix
  /// Before `<S>`.
  case prefix

  /// The index in a line, or a prompt, of the token that a field stands before; nil where there is
  /// none.
  package func index(in line: some Collection<Int32>) -> Int? {
    let token: SpecialToken =
      switch self {
      case .suffix: .object
      case .infix: .predicate
      case .prefix: .subject
      }
    return line.firstIndex(of: token.rawValue).map { line.distance(from: line.startIndex, to: $0) }
  }
}

extension Tokenizer {
  /// Whether a text in a slot is read again as the same tokens, so as no name, special token or
  /// field beside it.
  ///
  /// False where a token is a special one, where the text contains the text of one, where it is
  /// spelled otherwise than canonically, and where it begins or ends with white space, which may go
  /// to the special tokens around it.
  package func isSlotText(_ tokens: some Collection<Int32>) -> Bool {
    guard let text = decode(tokens), encode(text).elementsEqual(tokens) else { return false }
    return SpecialToken.inside(text) == nil && !text.contains(Slot.tokenText)
      && text.first?.isWhitespace != true && text.last?.isWhitespace != true
  }
}
