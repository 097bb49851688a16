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
    guard !ids.isEmpty else { return [] }
    let list = ids.map(String.init).joined(separator: ",")
    return try read { database in
      // Scores of a detector's own test examples, and those of stored answers; neither need be
      // there.
      var sources: [String] = []
      if try database.hasTable("detector_score_text") {
        sources.append(
          """
          SELECT detector, task, text, score, hallucinated FROM detector_score_text
          WHERE query_id IN (\(list))
          """)
      }
      if try database.hasTable("answer_score") {
        sources.append(
          """
          SELECT s.detector, 'stored answer', a.text, s.score,
            a.verdict NOT IN ('correct', 'correct_held_out', 'abstained')
          FROM answer_score s JOIN answer a ON a.evaluation_id = s.evaluation_id
            AND a.query_id = s.query_id AND a.temperature = s.temperature AND a.sample = s.sample
          WHERE s.query_id IN (\(list))
          """)
      }
      guard !sources.isEmpty else { return [] }
      let rows = try Row.fetchAll(
        database,
        sql: """
          WITH score (detector, task, text, score, hallucinated) AS (
            \(sources.joined(separator: " UNION ALL "))
          )
          SELECT detector, task, text, COUNT(*), AVG(score), hallucinated FROM score
          GROUP BY task, detector, text, hallucinated ORDER BY task, detector, text, hallucinated
          """)
      return try rows.map {
        StoredDetectorScore(
          detector: try $0.value(0), task: try $0.value(1), answer: try $0.value(2),
          answerCount: try $0.value(3), meanScore: try $0.value(4), isHallucination: try $0.value(5)
        )
      }
    }
  }
}

extension Database {
  /// Whether there is a table or view of this name.
  fileprivate func hasTable(_ name: String) throws -> Bool {
    try Bool.fetchOne(
      self, sql: "SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = ?", arguments: [name])
      ?? false
  }
}
