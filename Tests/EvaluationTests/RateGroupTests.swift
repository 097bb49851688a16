import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Testing

/// Three people in two cities; exposures, derivations and what is inferable set by hand.
private let graph: KnowledgeGraph = {
  func answer(
    _ object: Int32, _ isVisible: Bool = true, exposures: Int32 = 1,
    derivation: Derivation? = nil, isInferable: Bool = false
  ) -> Answer {
    Answer(
      object: object, isVisible: isVisible, bits: 1, exposures: exposures, derivation: derivation,
      isInferable: isInferable)
  }
  let answers = [
    answer(4, exposures: 1),  // ann in rome
    answer(4, exposures: 2), answer(5, exposures: 5),  // ann near rome, oslo
    answer(4, exposures: 9),  // bob in rome
    answer(5, false, derivation: .rule, isInferable: true),  // bob near oslo
    answer(5, derivation: .inverse),  // cal in oslo
    answer(4, false, derivation: .symmetric), answer(5),  // cal near rome, oslo
    answer(4, false),  // dan in rome
  ]
  func query(
    _ subject: Int32, _ predicate: Int32, _ visibility: Visibility, _ range: Range<Int>
  ) -> Query {
    Query(
      subject: subject, predicate: predicate, visibility: visibility, answers: range,
      rank: Double(range.lowerBound) / 10)
  }
  return KnowledgeGraph(
    entityTypes: ["person", "city"].map { EntityType(name: $0) },
    entities: ["ann", "bob", "cal", "dan", "rome", "oslo"].enumerated().map {
      Entity(name: $1, type: $0 < 4 ? 0 : 1)
    },
    predicates: ["in", "near"].map { Predicate(name: $0, subjectType: 0, objectType: 1) },
    queries: [
      query(0, 0, .fvs, 0..<1), query(0, 1, .fvs, 1..<3), query(1, 0, .fvs, 3..<4),
      query(1, 1, .ivs, 4..<5), query(2, 0, .fvs, 5..<6), query(2, 1, .pvs, 6..<8),
      query(3, 0, .ivs, 8..<9),
    ], answers: answers, contentHash: "groups")
}()

struct RateGroupTests {
  private func groups(_ kind: String, _ set: QuerySet) throws -> [String: Int] {
    let summary = try Fixture(graph).summary(options(resamples: 0))
    let rows = summary.rates.filter { $0.groupKind == kind && $0.visibility == set }
    return Dictionary(uniqueKeysWithValues: rows.map { ($0.groupValue, $0.queryCount) })
  }

  @Test func queriesAreGroupedByWhatIsKnownOfThem() throws {
    #expect(try groups("exposure", .fvs) == ["1": 2, "2-3": 1, "8-15": 1])
    #expect(try groups("exposure", .pvs) == ["1": 1])
    #expect(try groups("exposure", .ivs) == ["0": 2])
    #expect(try groups("entailment", .fvs) == ["drawn": 3, "entailed": 1])
    #expect(try groups("entailment", .pvs) == ["mixed": 1])
    #expect(try groups("entailment", .ivs) == ["drawn": 1, "entailed": 1])
    #expect(try groups("inferability", .fvs).isEmpty)
    #expect(try groups("inferability", .pvs) == ["unknowable": 1])
    #expect(try groups("inferability", .ivs) == ["inferable": 1, "unknowable": 1])
  }

  /// Of others: rome is said of two people under "in", oslo of one; oslo of two under "near", rome
  /// of one.
  @Test func popularityCountsOtherTriples() throws {
    let popularity = ObjectPopularity(graph: graph, fraction: 1)
    let counts = graph.queries.map { query in
      graph.answers[query.answers].map { popularity.others(of: $0, to: query) }
    }
    #expect(counts == [[1], [0, 1], [1], [2], [0], [1, 1], [2]])
    #expect(popularity.count(predicate: 0, object: 4) == 2)
    // Only a nested share of the queries is trained on.
    #expect(ObjectPopularity(graph: graph, fraction: 0.2).count(predicate: 0, object: 4) == 1)
    // Values 0 1 1 1 1 2 2 in quarters, equal ones together.
    #expect(try groups("popularity", .seen) == ["0": 1, "1": 4])
    #expect(try groups("popularity", .ivs) == ["2": 2])
  }

  @Test func powersOfTwoAreLabelled() {
    let labels = [0, 0.5, 1, 1.9, 2, 3.99, 4, 1_000].map { RateGroup.powerLabel($0) }
    #expect(labels == ["0", "0", "1", "1", "2-3", "2-3", "4-7", "512-1023"])
  }
}

struct CandidateTests {
  private func ranked(_ count: Int) -> EvaluationOptions {
    var value = options(exact: [1], seed: 5)
    value.candidates = count
    return value
  }

  /// With every other object of the type as a candidate, ranks follow from all probabilities.
  @Test func ranksEqualBruteForce() throws {
    let fixture = try Fixture(TestGraph.people(40))
    let graph = fixture.graph
    let outcomes = try fixture.evaluator(ranked(1_000)).outcomes(of: 0..<120)
    let scorer = try FactScorer(model: fixture.model, tokenizer: fixture.tokenizer, graph: graph)
    let scores = try #require(try scorer.scores(of: Array(0..<120)))
    var ranks: Set<Double> = []
    for (outcome, score) in zip(outcomes, scores) {
      let query = graph.queries[outcome.query]
      let right = Set(graph.answers[query.answers].map(\.object))
      #expect(outcome.ranked.map(\.object) == score.truth.map(\.object))
      let types = graph.objectTypes(of: query.predicate)
      let pool = graph.entities.indices.filter {
        types.contains(graph.entities[$0].type) && !right.contains(Int32($0))
      }
      for (answer, own) in zip(outcome.ranked, score.truth) {
        #expect(answer.candidateCount == pool.count)
        #expect(abs(answer.logProbability - own.logProbability) < 1e-5)
        #expect(answer.rank >= 1 && answer.rank <= Double(pool.count + 1))
        ranks.insert(answer.rank)
      }
    }
    #expect(ranks.count > 2)
  }

  @Test func candidatesAreWrongDifferentAndOfTheType() throws {
    let graph = TestGraph.people(40)
    let draw = CandidateDraw(graph: graph)
    var drawn: Set<[Int32]> = []
    for query in graph.queries {
      let wrong = draw.wrongObjects(2, for: query, seed: Seed(1))
      #expect(wrong == draw.wrongObjects(2, for: query, seed: Seed(1)))
      #expect(wrong.count == min(2, draw.poolCount(of: query.predicate) - query.answers.count))
      #expect(Set(wrong).count == wrong.count)
      let right = Set(graph.answers[query.answers].map(\.object))
      #expect(right.isDisjoint(with: wrong))
      let types = graph.objectTypes(of: query.predicate)
      #expect(wrong.allSatisfy { types.contains(graph.entities[Int($0)].type) })
      drawn.insert(wrong)
    }
    #expect(drawn.count > 5)
  }

  /// Grades are means over queries; stored ranks give them back.
  @Test func gradesAreStored() throws {
    let fixture = try Fixture(TestGraph.people(40))
    let summary = try fixture.summary(ranked(3))
    let outcomes = try fixture.evaluator(ranked(3)).outcomes(of: 0..<120)
    let grade = try #require(summary.grade(.fvs))
    let own = outcomes.filter { fixture.graph.queries[$0.query].visibility == .fvs }.map(\.ranked)
    func mean(_ value: (RankedAnswer) -> Double) -> Double {
      own.map { $0.reduce(0) { $0 + value($1) } / Double($0.count) }.reduce(0, +)
        / Double(own.count)
    }
    #expect(abs(grade.accuracy - mean { $0.rank == 1 ? 1 : 0 }) < 1e-12)
    #expect(abs(grade.meanReciprocalRank - mean { 1 / $0.rank }) < 1e-12)
    #expect(abs(grade.chance - mean { 1 / Double($0.candidateCount + 1) }) < 1e-12)
    #expect(grade.accuracy > grade.chance, "30 steps of training are better than chance")
    let (lower, upper) = (try #require(grade.accuracyLower), try #require(grade.accuracyUpper))
    #expect(lower <= grade.accuracy && grade.accuracy <= upper)
    #expect(try fixture.summary(options()).grades == nil)
  }
}
