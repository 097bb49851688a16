package import KnowledgeGraph
import LabCore

/// What a study's graph holds, in the numbers that its report states.
package struct GraphSummary: Codable, Hashable, Sendable {
  /// Id of the task that makes the graph.
  package var id: String
  package var name: String
  /// "generated" or "imported", and from what.
  package var source: String
  package var contentHash: String
  package var entityCount: Int
  package var predicateCount: Int
  package var tripleCount: Int
  package var trainedTripleCount: Int
  /// Numbers of queries: fully visible, partially visible, invisible.
  package var fvsCount: Int
  package var pvsCount: Int
  package var ivsCount: Int
  /// Chance that one draw from the trained p(o | p) answers an invisible query; nil without any.
  package var guessRate: Double?
  /// Sum of the triples' information in bits; nil for imported graphs.
  package var bits: Double?

  enum CodingKeys: String, SnakeCaseKey {
    case id, name, source, bits, contentHash, entityCount, predicateCount, tripleCount,
      trainedTripleCount, fvsCount, pvsCount, ivsCount, guessRate
  }

  package var queryCount: Int { fvsCount + pvsCount + ivsCount }

  /// Queries of one visibility.
  package func queryCount(of visibility: Visibility) -> Int {
    switch visibility {
    case .fvs: fvsCount
    case .pvs: pvsCount
    case .ivs: ivsCount
    case .unknown: 0
    }
  }

  /// Counts what is in a graph.
  package init(_ graph: KnowledgeGraph, id: String, name: String, source: String) {
    self.id = id
    self.name = name
    self.source = source
    contentHash = graph.contentHash
    entityCount = graph.entities.count
    predicateCount = graph.predicates.count
    tripleCount = graph.answers.count
    trainedTripleCount = graph.answers.count { $0.isVisible }
    fvsCount = graph.queries.count { $0.visibility == .fvs }
    pvsCount = graph.queries.count { $0.visibility == .pvs }
    ivsCount = graph.queries.count { $0.visibility == .ivs }
    guessRate = Self.guessRate(graph)
    let bits = graph.answers.reduce(0) { $0 + $1.bits }
    self.bits = bits.isFinite ? bits : nil
  }

  private static func guessRate(_ graph: KnowledgeGraph) -> Double? {
    var trained = [[Int32: Int]](repeating: [:], count: graph.predicates.count)
    var totals = [Int](repeating: 0, count: graph.predicates.count)
    for query in graph.queries {
      for answer in graph.answers[query.answers] where answer.isVisible {
        trained[Int(query.predicate)][answer.object, default: 0] += 1
        totals[Int(query.predicate)] += 1
      }
    }
    let invisible = graph.queries.filter { $0.visibility == .ivs }
    guard !invisible.isEmpty else { return nil }
    let hits = invisible.reduce(0.0) { sum, query in
      let predicate = Int(query.predicate)
      let known = graph.answers[query.answers].reduce(0) {
        $0 + (trained[predicate][$1.object] ?? 0)
      }
      return totals[predicate] > 0 ? sum + Double(known) / Double(totals[predicate]) : sum
    }
    return hits / Double(invisible.count)
  }
}
