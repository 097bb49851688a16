/// The words that rules are given in, beside names and special tokens.
///
/// A tokenizer knows them where a training teaches rules: `word` and `entity` have a token for
/// each, `bpe` and `byte` spell them.
package enum RuleWord: String, CaseIterable, Sendable {
  case copy = "<COPY>"
  case becomes = "<=>"
  case ends = "<ENDS>"
  case define = "<DEF>"
  case question = "<Q>"
  case not = "<NOT>"
  case first = "<A>"
  case second = "<B>"
  case answer = "<ANS>"
  case given = "<IF>"
  case then = "<THEN>"
  case holds = "<TRUE>"
  case fails = "<FALSE>"
  case so = "<SO>"
  case valid = "<VALID>"
  case yes = "<YES>"
  case no = "<NO>"
  case breaks = "<BREAK>"
  case keeps = "<KEEP>"
  case twoHops = "<TWOHOP>"
  case known = "<KNOWN>"
  case which = "<WHICH>"
  case bet = "<BET>"
  case outcome = "<OUT>"
  case won = "<+>"
  case lost = "<->"
  case good = "<GOOD>"

  /// The digits 1 to 9.
  static let digits = (1...9).map { "<\($0)>" }

  /// Every word as text.
  package static let texts = allCases.map(\.rawValue) + digits

  /// Whether a name can stand in a line: nothing in it reads as a special token or a rule's word.
  static func allows(_ name: String) -> Bool {
    guard name.utf8.allSatisfy({ $0 != EntityTokenizer.separator }),
      name.unicodeScalars.first?.properties.isWhitespace == false,
      name.unicodeScalars.last?.properties.isWhitespace == false
    else { return false }
    return !name.utf8.contains(0x3C)
      || SpecialToken.inside(name) == nil && !texts.contains { name.contains($0) }
  }
}
