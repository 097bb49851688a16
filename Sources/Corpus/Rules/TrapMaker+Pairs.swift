import KnowledgeGraph
import LabCore

/// Each trap's prompts. `s p o` is a stored fact and `o'` an object of the right type that is no
/// answer.
extension TrapMaker {
  /// A trap about a fact in both forms; nil where the fact does not allow it.
  func pair(
    _ trap: Trap, _ fact: Fact, number: Int, _ stream: inout RandomStream
  ) -> TrapPair? {
    switch trap {
    case .resistingCorrection: resistingCorrection(fact, &stream)
    case .memoTrap: memoTrap(fact, &stream)
    case .redefine: redefine(fact, &stream)
    case .promptInjection: promptInjection(fact, &stream)
    case .modusTollens: modusTollens(fact, number: number, &stream)
    case .patternMatch: patternMatch(fact, &stream)
    case .neqa: neqa(fact, &stream)
    case .intoTheUnknown: intoTheUnknown(fact, &stream)
    case .repetitiveAlgebra: repetitiveAlgebra(fact, &stream)
    case .hindsightNeglect: hindsightNeglect(number: number, &stream)
    }
  }

  private static let end = SpecialToken.end.text

  private func word(_ word: RuleWord) -> [String] { [word.rawValue] }

  /// `<COPY> line <=> line <E>`, as far as it is said.
  private func copy(_ line: [String], _ copied: [String]) -> [String] {
    word(.copy) + line + word(.becomes) + copied
  }

  /// Two lines are copied, then one that says `o'` of `s p`; plain: one that says `o`.
  private func resistingCorrection(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    guard let wrong = wrong(fact.query), let first = other(than: [fact], &stream),
      let second = other(than: [fact, first], &stream)
    else { return nil }
    func prompt(_ object: Int32) -> [String] {
      let shots = [first, second].flatMap { copy(said($0), said($0)) }
      return shots + copy(said(fact.query, object), asked(fact.query))
    }
    return pair(
      .resistingCorrection, about: fact, number: 0,
      prompts: (prompt(wrong), prompt(fact.object)),
      classes: ([name(wrong), Self.end], [name(fact.object), Self.end]), gold: (0, 1), &stream)
  }

  /// `<ENDS> o' <=> <S> s <P> p <O>`; plain: `<ENDS> o`.
  private func memoTrap(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    guard let wrong = wrong(fact.query) else { return nil }
    func prompt(_ object: Int32) -> [String] {
      word(.ends) + [name(object)] + word(.becomes) + asked(fact.query)
    }
    return pair(
      .memoTrap, about: fact, number: 0, prompts: (prompt(wrong), prompt(fact.object)),
      classes: ([name(wrong), Self.end], [name(fact.object), Self.end]), gold: (0, 1), &stream)
  }

  /// `<DEF> s <=> b <E> <S> s <P> p <O>`, where b and s have no answer in common; plain: another
  /// subject is redefined; reasoned: the line of b is said between.
  private func redefine(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    let truth = Set(graph.truth(of: fact.query).map { name($0.object) })
    let bases = ownByPredicate[fact.query.predicate] ?? []
    for _ in 0..<20 where !bases.isEmpty {
      let base = bases[stream.below(bases.count)]
      guard base.query.subject != fact.query.subject,
        truth.isDisjoint(with: graph.truth(of: base.query).map { name($0.object) }),
        let third = other(than: [fact, base], &stream)
      else { continue }
      func prompt(_ defined: Fact, _ reason: [String] = []) -> [String] {
        word(.define) + [name(defined.query.subject)] + word(.becomes)
          + [name(base.query.subject), Self.end] + reason + asked(fact.query)
      }
      return pair(
        .redefine, about: fact, number: 0, prompts: (prompt(fact), prompt(third)),
        reasoned: prompt(fact, said(base)),
        classes: ([name(base.object), Self.end], [name(fact.object), Self.end]), gold: (0, 1),
        &stream)
    }
    return nil
  }

  /// A question stands where a line to copy is expected: right is to copy it and stop; plain: the
  /// question is asked.
  private func promptInjection(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    guard let shot = other(than: [fact], &stream) else { return nil }
    let shots = copy(said(shot), said(shot))
    return pair(
      .promptInjection, about: fact, number: 0,
      prompts: (shots + copy(asked(fact.query), asked(fact.query)), shots + asked(fact.query)),
      classes: ([Self.end], [name(fact.object), Self.end]), gold: (0, 1), &stream)
  }

  /// One of four forms of inference in turn, two valid and two not.
  ///
  /// Trap: the graph disagrees with the conclusion of a valid one, or agrees with that of an
  /// invalid one; plain: the other way round.
  private func modusTollens(
    _ fact: Fact, number: Int, _ stream: inout RandomStream
  ) -> TrapPair? {
    guard let wrong = wrong(fact.query), let companion = other(than: [fact], &stream),
      let wrongCompanion = self.wrong(companion.query)
    else { return nil }
    let form = InferenceForm.allCases[number % InferenceForm.allCases.count]
    let other = said(
      companion.query, stream.below(2) == 0 ? companion.object : wrongCompanion)
    func prompt(agrees: Bool) -> [String] {
      // The graph agrees with "true" said of what holds, and with "false" of what does not.
      let concluded = said(
        fact.query, agrees == form.saysTrue ? fact.object : wrong)
      let (f, g) = form.concludesSecond ? (other, concluded) : (concluded, other)
      let polarity = word(form.saysTrue ? .holds : .fails)
      let premises = word(.given) + f + word(.then) + g + polarity + other
      return premises + word(.so) + polarity + concluded + word(.valid)
    }
    return pair(
      .modusTollens, about: fact, number: 0,
      prompts: (prompt(agrees: !form.isValid), prompt(agrees: form.isValid)),
      classes: (word(.yes) + [Self.end], word(.no) + [Self.end]),
      gold: form.isValid ? (0, 0) : (1, 1), &stream)
  }

  /// Two names in turns under a word that says that the turns end; plain: under one that says that
  /// they go on.
  private func patternMatch(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    guard let companion = other(than: [fact], &stream) else { return nil }
    let (a, b) = (name(fact.query.subject), name(companion.query.subject))
    let turns = (0..<(3 + stream.below(8))).flatMap { _ in [a, b] } + [a]
    return pair(
      .patternMatch, about: fact, number: 0,
      prompts: (word(.breaks) + turns, word(.keeps) + turns),
      classes: ([a, Self.end], [b, Self.end]), gold: (0, 1), &stream)
  }

  /// Which of `o` and `o'` is no answer; plain: without `<NOT>`, which is one; reasoned: the stored
  /// fact is said first.
  private func neqa(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    guard let wrong = wrong(fact.query) else { return nil }
    let isFirst = stream.below(2) == 0
    let shown = (isFirst ? [fact.object, wrong] : [wrong, fact.object]).map(name)
    func prompt(_ negation: [String]) -> [String] {
      let asked = asked(fact.query)
      let line = word(.question) + asked[...1] + negation + asked[2...3]
      return line + word(.first) + [shown[0]] + word(.second) + [shown[1]] + word(.answer)
    }
    return pair(
      .neqa, about: fact, number: 0, prompts: (prompt(word(.not)), prompt([])),
      reasoned: said(fact) + prompt(word(.not)),
      classes: (word(.first) + [Self.end], word(.second) + [Self.end]),
      gold: isFirst ? (1, 0) : (0, 1), &stream)
  }

  /// `s p1 m` is known: which of two facts leads to the p2 of m? Trap: the other one repeats what
  /// is known; plain: it is of another subject.
  private func intoTheUnknown(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    guard let hops = bySubject[fact.object], let companion = other(than: [fact], &stream) else {
      return nil
    }
    let hop = hops[stream.below(hops.count)]
    let isFirst = stream.below(2) == 0
    func prompt(_ distractor: Fact) -> [String] {
      let shown = isFirst ? [hop, distractor] : [distractor, hop]
      let (first, second) = (asked(fact.query), asked(hop.query))
      let chain = word(.twoHops) + first[1...3] + second[2...3] + word(.known) + said(fact)
      let options = word(.first) + said(shown[0]) + word(.second) + said(shown[1])
      return chain + word(.which) + options + word(.answer)
    }
    return pair(
      .intoTheUnknown, about: fact, number: 0, prompts: (prompt(fact), prompt(companion)),
      classes: (word(.first) + [Self.end], word(.second) + [Self.end]),
      gold: isFirst ? (0, 0) : (1, 1), &stream)
  }

  /// Nine subjects with the object `o`, then one with another, then a tenth subject whose object is
  /// `o`; plain: the tenth alone.
  ///
  /// All lines are true.
  private func repetitiveAlgebra(_ fact: Fact, _ stream: inout RandomStream) -> TrapPair? {
    guard let sharers = sharers[[fact.query.predicate, fact.object]], sharers.contains(fact)
    else { return nil }
    var shots = sharers.filter { $0 != fact }
    guard shots.count >= 9 else { return nil }
    stream.shuffle(&shots)
    let others = self.sharers.filter {
      $0.key[0] == fact.query.predicate && $0.key[1] != fact.object
    }.sorted { $0.key[1] < $1.key[1] }
    guard !others.isEmpty else { return nil }
    let last = others[stream.below(others.count)].value
    let different = last[stream.below(last.count)]
    return pair(
      .repetitiveAlgebra, about: fact, number: 0,
      prompts: (
        (shots.prefix(9) + [different]).flatMap { said($0) } + asked(fact.query),
        asked(fact.query)
      ),
      classes: ([name(fact.object), Self.end], [name(different.object), Self.end]), gold: (0, 0),
      &stream)
  }

  /// Ten bets whose outcomes are those to be expected, then one whose outcome is not; plain: one
  /// bet, and it is.
  private func hindsightNeglect(number: Int, _ stream: inout RandomStream) -> TrapPair {
    let shots = (0..<10).flatMap { _ in
      let shot = Bet(&stream)
      return shot.line(won: shot.isGood) + [shot.answer, Self.end]
    }
    let last = Bet(&stream)
    return pair(
      .hindsightNeglect, about: nil, number: number,
      prompts: (shots + last.line(won: !last.isGood), last.line(won: last.isGood)),
      classes: (word(.yes) + [Self.end], word(.no) + [Self.end]),
      gold: last.isGood ? (0, 0) : (1, 1), &stream)
  }

  /// A bet whose outcome is drawn: what teaches to judge it by its expectation.
  func bet(number: Int, _ stream: inout RandomStream) -> ChoiceQuestion {
    let bet = Bet(&stream)
    let line = bet.line(won: stream.below(10) < bet.tenths)
    return pair(
      .hindsightNeglect, about: nil, number: number, prompts: (line, line),
      classes: (word(.yes) + [Self.end], word(.no) + [Self.end]),
      gold: bet.isGood ? (0, 0) : (1, 1), &stream
    ).plain
  }

  /// The longest bet that can be, with its answer: what ten of them need room for.
  static func longestBet(_ kind: TokenizerKind) -> String {
    kind.line(Bet(tenths: 9, gain: 9, loss: 9).line(won: true) + [RuleWord.yes.rawValue, end])
  }
}

/// A way to infer from "if f then g".
private enum InferenceForm: CaseIterable {
  /// f, so g.
  case modusPonens
  /// Not g, so not f.
  case modusTollens
  /// g, so f: not valid.
  case affirmedConsequent
  /// Not f, so not g: not valid.
  case deniedAntecedent

  var isValid: Bool { self == .modusPonens || self == .modusTollens }
  /// Whether premise and conclusion say that something holds.
  var saysTrue: Bool { self == .modusPonens || self == .affirmedConsequent }
  /// Whether the conclusion is about g.
  var concludesSecond: Bool { self == .modusPonens || self == .deniedAntecedent }
}

/// So many tenths of a chance to win `gain`, the rest to lose `loss`; never worth nothing.
private struct Bet {
  let tenths: Int
  let gain: Int
  let loss: Int

  init(tenths: Int, gain: Int, loss: Int) {
    self.tenths = tenths
    self.gain = gain
    self.loss = loss
  }

  init(_ stream: inout RandomStream) {
    var bet: Bet
    repeat {
      bet = Bet(tenths: 1 + stream.below(9), gain: 1 + stream.below(9), loss: 1 + stream.below(9))
    } while bet.expectation == 0
    self = bet
  }

  private var expectation: Int { tenths * gain - (10 - tenths) * loss }
  var isGood: Bool { expectation > 0 }
  var answer: String { (isGood ? RuleWord.yes : .no).rawValue }

  func line(won: Bool) -> [String] {
    [RuleWord.bet.rawValue] + [tenths, gain, loss].map { RuleWord.digits[$0 - 1] }
      + [RuleWord.outcome, won ? .won : .lost, .good].map(\.rawValue)
  }
}
