import Corpus
import Evaluation
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing

/// A town whose cities lie in countries: 1, 3 or 12 presentations of each fact.
enum TrapGraph {
  static let graph: KnowledgeGraph = {
    var rows: [SmallGraph.Row] = []
    for person in 0..<96 {
      let name = "Ada\(person % 12) Lund\(person / 12)"
      let exposures: Int32 = [1, 3, 12][person % 3]
      rows.append(.init(name, "born in", "New Port\(person * 7 % 8)", exposures: exposures))
      rows.append(.init(name, "works on", "Field\(person * 5 % 6)", exposures: exposures))
    }
    for port in 0..<8 { rows.append(.init("New Port\(port)", "lies in", "Land\(port % 3)")) }
    return SmallGraph.make(rows)
  }()
}

struct TrapTests {
  private let graph = TrapGraph.graph
  private let oracles = TrapOracles(graph: TrapGraph.graph)

  private func maker(_ side: TrapMaker.Side = .tested, _ kind: TokenizerKind = .word) -> TrapMaker {
    TrapMaker(graph: graph, kind: kind, side: side, seed: Seed(1))
  }

  /// Who follows the rule is always right, who follows memory never in a trap and always in its
  /// plain form.
  @Test(arguments: Trap.allCases) func ruleAndMemoryDisagreeInTrapsAlone(_ trap: Trap) throws {
    let pairs = maker().pairs(trap, count: 40)
    #expect(pairs.count >= 6)
    for pair in pairs {
      for question in [pair.trap, pair.plain] {
        #expect(oracles.byRule(question) == question.gold, "\(question)")
        #expect(question.choices.count == 2 && question.choices[0] != question.choices[1])
        #expect(question.choices.allSatisfy { $0.hasSuffix("<E>") })
      }
      #expect(oracles.byMemory(pair.trap) == 1 - pair.trap.gold, "\(pair.trap)")
      #expect(oracles.byMemory(pair.plain) == pair.plain.gold, "\(pair.plain)")
    }
    let first = pairs.count { $0.trap.gold == 0 }
    #expect(first > 0 && first < pairs.count, "the right choice comes first in some")
  }

  /// The same holds of what teaches the rules, and it is about other subjects.
  @Test func rulesAreTaughtOnOtherSubjects() throws {
    let pairs = Trap.allCases.flatMap { maker(.taught).pairs($0, count: 12) }
    for pair in pairs {
      #expect(oracles.byRule(pair.trap) == pair.trap.gold)
    }
    func subjects(_ side: TrapMaker.Side) -> Set<String> {
      Set(
        Trap.allCases.filter { $0 != .hindsightNeglect }
          .flatMap { maker(side).pairs($0, count: 200) }.map(\.trap.subject))
    }
    #expect(subjects(.taught).isDisjoint(with: subjects(.tested)))
    #expect(subjects(.taught).count > 20 && subjects(.tested).count > 20)
  }

  /// Without `<NOT>` the negated question is the plain one: what is blind to it is right in a and
  /// in 1 - a.
  @Test func blindToNegationIsTheComplement() throws {
    for pair in maker().pairs(.neqa, count: 40) {
      #expect(pair.trap.prompt.replacingOccurrences(of: " <NOT>", with: "") == pair.plain.prompt)
      #expect(pair.trap.choices == pair.plain.choices && pair.trap.gold == 1 - pair.plain.gold)
    }
  }

  /// Reasoned, a trap has one more line, which the graph says, and the same answer; two tasks have
  /// that form.
  @Test(arguments: Trap.allCases) func aReasonedTrapHasOneTrueLineMore(_ trap: Trap) throws {
    let pairs = maker().pairs(trap, count: 20)
    #expect(pairs.contains { $0.reasoned != nil } == [.redefine, .neqa].contains(trap))
    let lines = Set(
      graph.queries.flatMap { query in
        graph.answers[query.answers].filter(\.isVisible).map {
          "<S> \(graph.entities[Int(query.subject)].name) <P> \(graph.predicates[Int(query.predicate)].name) "
            + "<O> \(graph.entities[Int($0.object)].name) <E> "
        }
      })
    for pair in pairs {
      guard let reasoned = pair.reasoned else { continue }
      #expect(reasoned.gold == pair.trap.gold && reasoned.choices == pair.trap.choices)
      let added = lines.filter {
        reasoned.prompt.replacingOccurrences(of: $0, with: "") == pair.trap.prompt
      }
      #expect(added.count == 1, "\(reasoned.prompt)")
    }
  }

  /// Facts of every strength are asked about alike.
  @Test func exposuresAreSpread() throws {
    let pairs = maker().pairs(.memoTrap, count: 24)
    #expect(Set(pairs.map(\.trap.subject)).count <= pairs.count)
    let strong = pairs.count { $0.trap.exposures == 12 }
    #expect(strong == 12, "half are of 1 to 9 exposures, half of 10 to 99")
    #expect(pairs == maker().pairs(.memoTrap, count: 24))
  }

  /// Questions of all kinds of tokenizers are made of tokens that they know, as their own text is.
  @Test(arguments: TokenizerKind.allCases) func everyTokenizerSpellsTraps(_ kind: TokenizerKind)
    throws
  {
    let tokenizer = try kind.tokenizer(for: graph, vocabularySize: 400, rules: true)
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    for pair in Trap.allCases.flatMap({ maker(.tested, kind).pairs($0, count: 3) }) {
      let asked = try pair.trap.completions(tokenizer)
      let whole = try #require(tokenizer.line(of: asked.prompt + asked.completions[0]))
      #expect(whole == pair.trap.prompt + pair.trap.choices[0])
      #expect(tokenizer.encodeLine(whole) == asked.prompt + asked.completions[0])
    }
    for query in graph.queries.prefix(5) {
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      #expect(tokenizer.line(of: prompt).map(tokenizer.encodeLine) == prompt)
    }
  }
}
