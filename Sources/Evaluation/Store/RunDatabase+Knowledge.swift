import Analysis
import Foundation
import GRDB
import KnowledgeGraph
import LabCore

extension RunDatabase {
  /// Stores a summary of knowledge and its tables.
  func store(_ summary: KnowledgeSummary, scoring: Int64) throws {
    let json = String(decoding: try CanonicalJSON.compact(summary), as: UTF8.self)
    try write { database in
      try database.execute(
        sql: "INSERT INTO knowledge (key, scoring_id, summary) VALUES (?, ?, ?)",
        arguments: [summary.key, scoring, json])
      let id = database.lastInsertedRowID
      try ResultTable.storedBits.insert(summary.storedBits, of: id, in: database)
      let calibration = summary.calibration.map {
        CalibrationRecord(row: $0, bins: summary.options.bins)
      }
      try ResultTable.calibration.insert(calibration, of: id, in: database)
      let bins = summary.calibration.flatMap { row in
        row.reliability.map { ReliabilityRecord(visibility: row.visibility, bin: $0) }
      }
      try ResultTable.reliability.insert(bins, of: id, in: database)
      try ResultTable.reversal.insert(summary.reversal.rows, of: id, in: database)
    }
  }

  // MARK: Reversed facts

  /// What the model says to reversed facts: stored results, and those that are not there yet.
  func reversals(
    _ facts: [ReversedFact], of scoring: Int64, graph: KnowledgeGraph, candidates: CandidateDraw,
    scorer: () throws -> FactScorer, work: Work
  ) throws -> [ReversalResult] {
    var known = try reversals(of: scoring)
    let missing = facts.filter { known[$0.key] == nil }
    // Not an option: the stored rows hold for every later call.
    let seed = Seed(0).derived("knowledge/reversal")
    try work.inBlocks(
      of: missing.count, from: 0, round: SessionPool.blockSize,
      compute: { range in
        let plans = missing[range].map { fact in
          (
            query: fact.query,
            objects: [fact.object]
              + candidates.wrongObjects(
                ReversalTest.randomCount, for: graph.queries[fact.query], seed: seed)
          )
        }
        return try scorer().logProbabilities(of: plans, unless: work.shouldStop).map { scores in
          zip(missing[range], scores).map { ReversalResult($0, scores: $1) }
        }
      },
      store: { results in
        try store(results, of: scoring, graph: graph)
        for result in results { known[result.fact.key] = result }
      })
    return facts.compactMap { fact in
      known[fact.key].map { $0.of(fact) }
    }
  }

  private func reversals(of scoring: Int64) throws -> [[Int]: ReversalResult] {
    try read { database in
      var results: [[Int]: ReversalResult] = [:]
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, object_id, forward_predicate_id, log_probability,
            random_log_probability, random_count, share_above
          FROM reversal_result WHERE scoring_id = ?
          """, arguments: [scoring])
      while let row = try rows.next() {
        let fact = ReversedFact(
          query: try row.value(0), object: try row.value(1), forwardPredicate: try row.value(2),
          forwardQuery: 0)
        results[fact.key] = ReversalResult(
          fact: fact, logProbability: try row.logProbability(3),
          randomLogProbability: try row.logProbability(4), randomCount: try row.count(5),
          shareAbove: try row.share(6))
      }
      return results
    }
  }

  private func store(
    _ results: [ReversalResult], of scoring: Int64, graph: KnowledgeGraph
  ) throws {
    try write { database in
      let query = try QueryWriter(database, graph: graph)
      for result in results {
        try query.insert(result.fact.query)
        try database.execute(
          sql: "INSERT OR REPLACE INTO reversal_result VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            scoring, result.fact.query, result.fact.object, result.fact.forwardPredicate,
            result.logProbability, result.randomLogProbability, result.randomCount,
            result.shareAbove,
          ])
      }
    }
  }
}

extension ReversedFact {
  /// What tells stored results apart.
  fileprivate var key: [Int] { [query, Int(object)] }
}

extension ReversalResult {
  /// The result of a fact from its log-probability and those of random objects after it.
  fileprivate init(_ fact: ReversedFact, scores: [Double]) {
    let random = scores.dropFirst()
    let count = max(1, random.count)
    let above = Double(random.count { $0 < scores[0] })
    let ties = Double(random.count { $0 == scores[0] })
    self.init(
      fact: fact, logProbability: scores[0],
      randomLogProbability: random.isEmpty ? scores[0] : random.reduce(0, +) / Double(count),
      randomCount: count,
      shareAbove: random.isEmpty ? 0.5 : (above + ties / 2) / Double(count))
  }

  /// The same numbers for the fact with its forward query, which is not stored.
  fileprivate func of(_ fact: ReversedFact) -> ReversalResult {
    ReversalResult(
      fact: fact, logProbability: logProbability, randomLogProbability: randomLogProbability,
      randomCount: randomCount, shareAbove: shareAbove)
  }
}
