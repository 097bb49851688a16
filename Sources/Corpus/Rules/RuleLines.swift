import KnowledgeGraph
import LabCore

/// The lines of a training that teach the rules of traps, on the subjects that no trap asks about.
package struct RuleLines {
  /// Shares of the lines of an epoch that may teach rules.
  package static let shares = 0...0.9

  /// Each a text of tokens, with the place of the last token of its prompt.
  private(set) var lines: [(tokens: [Int32], promptEnd: Int)] = []

  /// So many lines that they are `share` of all presentations of an epoch, the same in every
  /// training on the graph.
  ///
  /// Throws `CorpusError.rulesUnknown` where the tokenizer lacks a rule's word.
  init(
    graph: KnowledgeGraph, tokenizer: any Tokenizer, fraction: Double, share: Double,
    presentations: Int
  ) throws(CorpusError) {
    guard share > 0 else { return }
    let count = Int((Double(presentations) * share / (1 - share)).rounded())
    guard presentations + count <= Int(Int32.max) else {
      throw .presentationsTooMany(presentations + count)
    }
    let maker = TrapMaker(
      graph: graph, kind: tokenizer.kind, fraction: fraction, side: .taught, seed: Seed(0))
    let taught = Trap.allCases.filter { !maker.lines($0, count: 1).isEmpty }
    let each = (count + taught.count - 1) / taught.count
    let questions = taught.map { maker.lines($0, count: each) }
    for place in 0..<(questions.map(\.count).max() ?? 0) {
      for own in questions where place < own.count && lines.count < count {
        let tokens = tokenizer.encodeLine(own[place].solved)
        guard !tokens.contains(SpecialToken.unknown.rawValue) else { throw .rulesUnknown }
        lines.append((tokens, tokenizer.encodeLine(own[place].prompt).count - 1))
      }
    }
  }

  /// Tokens that a line of rules or a trap may need on a graph whose longest triple has so many.
  ///
  /// Twice eleven facts or bets, for a trap with a solved one before it, and more.
  package static func contextLength(longest: Int, tokenizer: any Tokenizer) -> Int {
    24 * max(longest, tokenizer.encodeLine(TrapMaker.longestBet(tokenizer.kind)).count)
  }
}
