import GRDB
import KnowledgeGraph

extension RunDatabase {
  /// Stored detector scores of answers to some queries: the mean for each detector and answer.
  ///
  /// Empty where no detector was trained or scored anything of them.
  func detectorScores(
    of queries: [Query], in graph: KnowledgeGraph
  ) throws -> [StoredDetectorScore] {
    let ids = queries.compactMap { query in
      graph.queries.firstIndex {
        $0.subject == query.subject && $0.predicate == query.predicate
      }
    }
    return try read { database in
      let isThere = try Bool.fetchOne(
        database,
        sql: "SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = 'detector_score_text'")
      guard isThere == true, !ids.isEmpty else { return [] }
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT detector, task, text, COUNT(*), AVG(score), hallucinated FROM detector_score_text
          WHERE query_id IN (\(ids.map(String.init).joined(separator: ",")))
          GROUP BY task, detector, text, hallucinated ORDER BY task, detector, text, hallucinated
          """)
      return rows.map {
        StoredDetectorScore(
          detector: $0[0], task: $0[1], answer: $0[2], answerCount: $0[3], meanScore: $0[4],
          isHallucination: $0[5])
      }
    }
  }
}
