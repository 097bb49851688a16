package import Analysis
import Foundation
import KnowledgeGraph
import LabCore

/// Whether facts can be turned round: trained as (s, p, o), asked as (o, q, ?) with q the inverse
/// of p.
///
/// The reversal curse (arXiv 2309.12288) is a gap of 0: the right name is no likelier than a random
/// one.
package struct ReversalTest: Codable, Hashable, Sendable {
  /// All pairs together first, then one row a pair; empty where there is nothing to test.
  package let rows: [ReversalRow]
  /// Why there is nothing to test; nil where there is.
  package let absence: String?

  /// Random objects that a true one is held against.
  package static let randomCount = 16
}

/// The facts of one pair of predicates, asked the other way round.
package struct ReversalRow: Codable, Hashable, Sendable {
  /// p, empty for all pairs together.
  package let forwardPredicate: String
  /// q, which was asked; empty for all pairs together.
  package let predicate: String
  /// Held-out triples (o, q, s) whose (s, p, o) is trained on.
  package let factCount: Int
  /// Mean log-probability of s less that of random objects of the right type, in nats, with the
  /// interval over subjects.
  package let gap: Estimate
  /// Share of random objects that s is likelier than; 0.5 without any knowledge.
  package let shareAbove: Double
  /// Share of the queries whose greedy answer is right, with Wilson's interval.
  package let accuracy: Estimate
  /// The same for the trained queries (s, p, ?).
  package let forwardAccuracy: Double?

  enum CodingKeys: String, SnakeCaseKey {
    case predicate, gap, accuracy, forwardPredicate, factCount, shareAbove, forwardAccuracy
  }
}

/// A held-out triple whose other direction is trained on.
struct ReversedFact: Hashable, Sendable {
  /// Index in `KnowledgeGraph.queries` of (o, q, ?).
  let query: Int
  /// s, the answer.
  let object: Int32
  let forwardPredicate: Int32
  /// Index of (s, p, ?).
  let forwardQuery: Int
}

/// Finds what can be asked the other way round.
struct ReversedFacts {
  /// Pairs (p, q) where every object of p leads back by q.
  ///
  /// A symmetric predicate is its own pair.
  let pairs: [(forward: Int32, inverse: Int32)]
  /// In order of their queries.
  let facts: [ReversedFact]

  /// A predicate counts as the inverse of another where the graph says so, or where nine in ten of
  /// its triples stand in the graph the other way round under the other.
  init(graph: KnowledgeGraph, queries: [Int]) {
    var counts: [[Int32]: Int] = [:]
    var totals: [Int32: Int] = [:]
    var found: [(key: [Int32], fact: ReversedFact)] = []
    let bySubject = Dictionary(grouping: graph.queries.indices) { graph.queries[$0].subject }
    let asked = Set(queries)
    for (index, query) in graph.queries.enumerated() {
      for answer in graph.answers[query.answers] {
        totals[query.predicate, default: 0] += 1
        for other in bySubject[answer.object] ?? [] {
          let forward = graph.queries[other]
          guard let back = Self.answer(query.subject, to: forward, in: graph) else { continue }
          let key = [forward.predicate, query.predicate]
          counts[key, default: 0] += 1
          if !answer.isVisible, back.isVisible, asked.contains(index), asked.contains(other) {
            found.append(
              (
                key,
                ReversedFact(
                  query: index, object: answer.object, forwardPredicate: forward.predicate,
                  forwardQuery: other)
              ))
          }
        }
      }
    }
    let valid = Set(
      counts.keys.filter { key in
        graph.predicates[Int(key[1])].inverseOf == key[0]
          || graph.predicates[Int(key[0])].inverseOf == key[1]
          || 10 * (counts[key] ?? 0) >= 9 * (totals[key[1]] ?? 0)
      })
    pairs = valid.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }.map { ($0[0], $0[1]) }
    facts = found.filter { valid.contains($0.key) }.map(\.fact)
  }

  /// The answer with an object, by binary search; nil where the query has no such answer.
  private static func answer(
    _ object: Int32, to query: Query, in graph: KnowledgeGraph
  ) -> Answer? {
    var range = query.answers
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      let found = graph.answers[middle]
      if found.object == object { return found }
      range =
        found.object < object ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }

  /// Why there is nothing to test; nil where there is.
  var absence: String? {
    if pairs.isEmpty { return "no predicate of this graph is the inverse of another or symmetric" }
    if facts.isEmpty {
      return
        "every triple of an inverse predicate is trained on, or its other direction is held out "
        + "too: hold out queries of an inverse predicate whose forward triples are trained"
    }
    return nil
  }
}

/// What the model says to one reversed fact.
struct ReversalResult: Hashable, Sendable {
  let fact: ReversedFact
  /// In nats.
  let logProbability: Double
  /// Mean over random objects of the right type, in nats.
  let randomLogProbability: Double
  let randomCount: Int
  /// Share of them that the fact is likelier than; ties count half.
  let shareAbove: Double

  var gap: Double { logProbability - randomLogProbability }
}

extension ReversalTest {
  /// The table of results; `isRight` says whether a query's greedy answer is right.
  init(
    _ facts: ReversedFacts, _ results: [ReversalResult], graph: KnowledgeGraph,
    bootstrap: Bootstrap, isRight: (Int) -> Bool?
  ) {
    var rows: [ReversalRow] = []
    if !results.isEmpty {
      rows.append(
        ReversalRow(results, graph, nil, bootstrap: bootstrap, isRight: isRight))
      for pair in facts.pairs {
        let own = results.filter {
          $0.fact.forwardPredicate == pair.forward
            && graph.queries[$0.fact.query].predicate == pair.inverse
        }
        guard !own.isEmpty else { continue }
        rows.append(ReversalRow(own, graph, pair, bootstrap: bootstrap, isRight: isRight))
      }
    }
    self.rows = rows
    absence = facts.absence
  }
}

extension ReversalRow {
  fileprivate init(
    _ results: [ReversalResult], _ graph: KnowledgeGraph,
    _ pair: (forward: Int32, inverse: Int32)?, bootstrap: Bootstrap, isRight: (Int) -> Bool?
  ) {
    let names = pair.map {
      (graph.predicates[Int($0.forward)].name, graph.predicates[Int($0.inverse)].name)
    }
    forwardPredicate = names?.0 ?? ""
    predicate = names?.1 ?? ""
    factCount = results.count
    let clusters = ClusterSum.grouped(
      results.map { graph.queries[$0.fact.query].subject }, results.map { ($0.gap, 1) })
    gap =
      bootstrap.ratio(clusters, stream: "reversal/\(names?.0 ?? "")/\(names?.1 ?? "")")
      ?? Estimate(value: 0, interval: nil, count: 0)
    shareAbove = Mean.of(results.map(\.shareAbove)) ?? 0.5
    let asked = Set(results.map(\.fact.query)).sorted().compactMap(isRight)
    accuracy =
      Wilson.estimate(successes: asked.count { $0 }, trials: asked.count)
      ?? Estimate(value: 0, interval: nil, count: 0)
    let forward = Set(results.map(\.fact.forwardQuery)).sorted().compactMap(isRight)
    forwardAccuracy = forward.isEmpty ? nil : Double(forward.count { $0 }) / Double(forward.count)
  }
}
