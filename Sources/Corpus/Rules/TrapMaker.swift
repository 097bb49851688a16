package import KnowledgeGraph
package import LabCore

/// Makes traps of a graph's facts: rules that are taught on half of the subjects, and asked about
/// on the other half.
///
/// A pure function of the graph, the tokenizer's kind, the fraction, the side and the seed.
package struct TrapMaker: Sendable {
  /// Which subjects its questions are about: a subject is always on the same side.
  package enum Side: String, Sendable { case taught, tested }

  /// A trained triple as questions are made of it.
  struct Fact: Hashable, Sendable {
    let query: Query
    let object: Int32
    let exposures: Int32
  }

  let graph: KnowledgeGraph
  let kind: TokenizerKind
  let seed: Seed
  let candidates: CandidateDraw
  private let side: Side
  /// Trained facts with names that can stand in a line, one a query, in order of queries.
  private let all: [Fact]
  /// Those whose subject is on its side.
  private let own: [Fact]
  let ownByPredicate: [Int32: [Fact]]
  let bySubject: [Int32: [Fact]]
  /// For each predicate and object, the subjects' facts that have this object alone.
  let sharers: [[Int32]: [Fact]]

  package init(
    graph: KnowledgeGraph, kind: TokenizerKind, fraction: Double = 1, side: Side, seed: Seed
  ) {
    self.graph = graph
    self.kind = kind
    self.side = side
    self.seed = seed.derived("traps/\(side.rawValue)")
    candidates = CandidateDraw(graph: graph)
    let names = graph.entities.map { RuleWord.allows($0.name) }
    let predicates = graph.predicates.map { RuleWord.allows($0.name) }
    var stream = self.seed.stream("facts")
    all = graph.queries.compactMap { query in
      guard query.rank < fraction, names[Int(query.subject)], predicates[Int(query.predicate)],
        graph.entities(named: graph.entities[Int(query.subject)].name).count == 1
      else { return nil }
      let answers = graph.answers[query.answers].filter {
        $0.isVisible && names[Int($0.object)]
      }
      guard !answers.isEmpty else { return nil }
      let answer = answers[answers.count == 1 ? 0 : stream.below(answers.count)]
      return Fact(query: query, object: answer.object, exposures: answer.exposures)
    }
    own = all.filter { Self.side(of: graph.entities[Int($0.query.subject)].name) == side }
    ownByPredicate = Dictionary(grouping: own, by: \.query.predicate)
    bySubject = Dictionary(grouping: side == .taught ? own : all, by: \.query.subject)
    sharers = Dictionary(grouping: all.filter { graph.truth(of: $0.query).count == 1 }) {
      [$0.query.predicate, $0.object]
    }
  }

  /// The side that an entity of this name is on as a subject.
  package static func side(of name: String) -> Side {
    NameHash.unit(NameHash.mix(NameHash.hash(name), NameHash.hash("rules"))) < 0.5
      ? .taught : .tested
  }

  /// Up to `count` questions of a trap in both forms, each about another fact; none where the graph
  /// has no such facts.
  ///
  /// Facts of 1 to 9, of 10 to 99 and of more exposures have equal shares as far as the graph has
  /// them.
  package func pairs(_ trap: Trap, count: Int) -> [TrapPair] {
    pairs(trap, count: count, from: [spread(shuffled(trap.rawValue))])
  }

  /// At least `count` questions whose solutions teach the rule of a trap, in turns of both forms.
  ///
  /// None for a trap without a rule, and where the graph has no such facts; facts come again where
  /// they are fewer.
  func lines(_ trap: Trap, count: Int) -> [ChoiceQuestion] {
    switch trap {
    case .repetitiveAlgebra: return []
    case .hindsightNeglect:
      var stream = seed.stream("lines/\(trap.rawValue)")
      return (0..<count).map { bet(number: $0, &stream) }
    default:
      let rounds = (0..<max(1, (count + own.count) / max(1, own.count))).map {
        shuffled("\(trap.rawValue)/\($0)")
      }
      return pairs(trap, count: (count + 1) / 2, from: rounds).flatMap { [$0.trap, $0.plain] }
    }
  }

  private func pairs(_ trap: Trap, count: Int, from rounds: [[Fact]]) -> [TrapPair] {
    var stream = seed.stream("pairs/\(trap.rawValue)")
    var pairs: [TrapPair] = []
    for facts in rounds {
      let before = pairs.count
      for fact in facts {
        guard pairs.count < count else { return pairs }
        if let pair = pair(trap, fact, number: pairs.count, &stream) { pairs.append(pair) }
      }
      guard pairs.count > before else { break }
    }
    return pairs
  }

  private func shuffled(_ name: String) -> [Fact] {
    var facts = own
    var stream = seed.stream("order/\(name)")
    stream.shuffle(&facts)
    return facts
  }

  /// Facts in turns of the powers of ten of their exposures.
  private func spread(_ facts: [Fact]) -> [Fact] {
    let groups = Dictionary(grouping: facts) {
      $0.exposures < 10 ? 1 : $0.exposures < 100 ? 10 : 100
    }
    .sorted { $0.key < $1.key }.map(\.value)
    return (0..<(groups.map(\.count).max() ?? 0)).flatMap { place in
      groups.compactMap { $0.indices.contains(place) ? $0[place] : nil }
    }
  }

  // MARK: Parts of questions

  func name(_ entity: Int32) -> String { graph.entities[Int(entity)].name }

  /// `<S> subject <P> predicate <O>`.
  func asked(_ query: Query) -> [String] {
    [
      SpecialToken.subject.text, name(query.subject), SpecialToken.predicate.text,
      graph.predicates[Int(query.predicate)].name, SpecialToken.object.text,
    ]
  }

  /// `<S> subject <P> predicate <O> object <E>`.
  func said(_ fact: Fact) -> [String] { said(fact.query, fact.object) }

  func said(_ query: Query, _ object: Int32) -> [String] {
    asked(query) + [name(object), SpecialToken.end.text]
  }

  /// Another fact of a subject that is not among `others`.
  func other(than others: [Fact], _ stream: inout RandomStream) -> Fact? {
    let subjects = Set(others.map(\.query.subject))
    for _ in 0..<20 {
      let fact = own[stream.below(own.count)]
      if !subjects.contains(fact.query.subject) { return fact }
    }
    return nil
  }

  /// An object of the right type that is no answer; nil where the graph has none that can stand in
  /// a line.
  func wrong(_ query: Query) -> Int32? {
    candidates.wrongObjects(8, for: query, seed: seed).first { RuleWord.allows(name($0)) }
  }

  /// A question in both forms: the prompts, the classes and which of them is right in each form.
  ///
  /// Which class comes first is drawn.
  func pair(
    _ trap: Trap, about fact: Fact?, number: Int, prompts: (trap: [String], plain: [String]),
    reasoned: [String]? = nil, classes: ([String], [String]), gold: (trap: Int, plain: Int),
    _ stream: inout RandomStream
  ) -> TrapPair {
    let swaps = stream.below(2) == 1
    func question(_ variant: String, _ prompt: [String], _ gold: Int) -> ChoiceQuestion {
      let choices = (swaps ? [classes.1, classes.0] : [classes.0, classes.1]).map {
        kind.continuation($0, after: prompt.last)
      }
      return ChoiceQuestion(
        task: trap.rawValue, variant: variant, prompt: kind.line(prompt),
        choices: choices, gold: swaps ? 1 - gold : gold,
        subject: fact.map { name($0.query.subject) } ?? "\(trap.rawValue) \(number)",
        exposures: fact.map { Int($0.exposures) })
    }
    return TrapPair(
      trap: question(Trap.Variant.trap.rawValue, prompts.trap, gold.trap),
      plain: question(Trap.Variant.plain.rawValue, prompts.plain, gold.plain),
      reasoned: reasoned.map { question("trap, reasoned", $0, gold.trap) })
  }
}
