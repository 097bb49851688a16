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
      while let row = try rates.next() { exact[row[0]] = row[1] }
      var isRight: [Int: Bool] = [:]
      let answers = try Row.fetchCursor(
        database,
        sql: """
          SELECT a.query_id, a.verdict FROM answer a JOIN evaluation e ON e.id = a.evaluation_id
          WHERE e.key = ? AND a.temperature = ? AND a.sample = 0
          """, arguments: [summary.key, temperature])
      while let row = try answers.next() {
        guard let verdict = Verdict(rawValue: row[1]) else {
          throw damaged("an answer has an unknown verdict")
        }
        isRight[row[0]] = !verdict.isHallucination
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
        guard wanted.contains(row[0]) else { continue }
        guard let visibility = Visibility(rawValue: row[2]) else {
          throw damaged("a query has an unknown visibility")
        }
        queries.append(ComparedQuery(id: row[0], subject: row[1], visibility: visibility))
      }
      return queries
    }
  }
}
