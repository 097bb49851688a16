import GRDB
import KnowledgeGraph

/// What a comparison needs to know of a query.
struct ComparedQuery {
  let id: Int
  let subject: Int32
  let visibility: Visibility
}

extension RunDatabase {
  /// One side of a comparison: exact rates at temperature 1, and the first answer at a temperature.
  func compared(_ summary: EvaluationSummary, temperature: Double) throws -> ComparedRun {
    try read { database in
      var exact: [Int: Double] = [:]
      let rates = try Row.fetchCursor(
        database,
        sql: """
          SELECT x.query_id, x.hallucination_probability FROM exact_result x
          JOIN evaluation e ON e.id = x.evaluation_id
          WHERE e.key = ? AND x.temperature = 1
          """, arguments: [summary.key])
      while let row = try rates.next() { exact[try row.value(0)] = try row.share(1) }
      var isRight: [Int: Bool] = [:]
      let answers = try Row.fetchCursor(
        database,
        sql: """
          SELECT a.query_id, a.verdict FROM answer a JOIN evaluation e ON e.id = a.evaluation_id
          WHERE e.key = ? AND a.temperature = ? AND a.sample = 0
          """, arguments: [summary.key, temperature])
      while let row = try answers.next() {
        let verdict: Verdict = try row.word(1)
        isRight[try row.value(0)] = !verdict.isHallucination
      }
      return ComparedRun(summary: summary, exact: exact, isRight: isRight)
    }
  }

  /// Queries by index, in order, which is also the order of their subjects.
  func queries(_ ids: [Int]) throws -> [ComparedQuery] {
    let wanted = Set(ids)
    return try read { database in
      let rows = try Row.fetchCursor(
        database, sql: "SELECT id, subject_id, visibility FROM query ORDER BY id")
      var queries: [ComparedQuery] = []
      while let row = try rows.next() {
        let id: Int = try row.value(0)
        guard wanted.contains(id) else { continue }
        queries.append(
          ComparedQuery(
            id: id, subject: try row.value(1, in: 0...Int32.max), visibility: try row.word(2)))
      }
      return queries
    }
  }
}
