import Foundation
import GRDB
package import KnowledgeGraph
import LabCore

/// Where an evaluation stands in run.sqlite.
package struct StoredEvaluation: Sendable {
  package let id: Int64
  /// Queries whose results are stored: the first so many of those asked.
  package let storedQueryCount: Int
}

extension RunDatabase {
  /// The evaluation with this identity, made if it is not there.
  package func begin(_ identity: EvaluationIdentity, queryCount: Int) throws -> StoredEvaluation {
    let key = try identity.key
    let json = String(decoding: try CanonicalJSON.compact(identity), as: UTF8.self)
    return try write { database in
      try database.execute(
        sql: """
          INSERT INTO evaluation (key, identity, query_count) VALUES (?, ?, ?)
          ON CONFLICT (key) DO NOTHING
          """, arguments: [key, json, queryCount])
      let row = try Row.fetchOne(
        database,
        sql: "SELECT id, query_count, stored_query_count FROM evaluation WHERE key = ?",
        arguments: [key])
      guard let row, try row.value(1) == queryCount else {
        throw damaged("evaluation \(key) asks another number of queries")
      }
      return StoredEvaluation(
        id: try row.value(0), storedQueryCount: try row.value(2, in: 0...queryCount))
    }
  }

  /// Stores the results of the next queries in one transaction.
  package func store(
    _ outcomes: [QueryOutcome], of evaluation: Int64, graph: KnowledgeGraph
  ) throws {
    try write { database in
      let rows = try RunRowWriter(database, evaluation: evaluation, graph: graph)
      for outcome in outcomes { try rows.insert(outcome) }
      try database.execute(
        sql: "UPDATE evaluation SET stored_query_count = stored_query_count + ? WHERE id = ?",
        arguments: [outcomes.count, evaluation])
    }
  }

  /// Stores the tables of a finished evaluation and marks it complete.
  package func complete(_ evaluation: Int64, with summary: EvaluationSummary) throws {
    let json = String(decoding: try CanonicalJSON.compact(summary), as: UTF8.self)
    try write { database in
      for table in EvaluationMeasure.tables { try table.remove(evaluation, from: database) }
      try ResultTable.rates.insert(summary.rates, of: evaluation, in: database)
      try ResultTable.grades.insert(summary.grades ?? [], of: evaluation, in: database)
      try ResultTable.verdicts.insert(summary.verdicts, of: evaluation, in: database)
      try ResultTable.coverage.insert(summary.coverage, of: evaluation, in: database)
      try database.execute(
        sql: "UPDATE evaluation SET status = 'complete', summary = ? WHERE id = ?",
        arguments: [json, evaluation])
    }
  }
}

extension RateEstimate: EncodableRecord {}
extension CandidateGrade: EncodableRecord {}
extension VerdictCount: EncodableRecord {}
extension AnswerCoverage: EncodableRecord {}

/// Prepared inserts for the rows of queries and answers.
private struct RunRowWriter {
  private let evaluation: Int64
  private let query: QueryWriter
  private let exact: Statement
  private let sampled: Statement
  private let answer: Statement
  private let ranked: Statement

  init(_ database: Database, evaluation: Int64, graph: KnowledgeGraph) throws {
    self.evaluation = evaluation
    query = try QueryWriter(database, graph: graph)
    exact = try database.makeStatement(sql: "INSERT INTO exact_result VALUES (?, ?, ?, ?, ?, ?)")
    sampled = try database.makeStatement(
      sql: "INSERT INTO sampled_result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    answer = try database.makeStatement(
      sql: "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    ranked = try database.makeStatement(
      sql: "INSERT INTO candidate_result VALUES (?, ?, ?, ?, ?, ?)")
  }

  func insert(_ outcome: QueryOutcome) throws {
    try query.insert(outcome.query)
    for row in outcome.exact {
      exact.setUncheckedArguments([
        evaluation, outcome.query, row.temperature, row.correct, row.correctHeldOut,
        row.hallucination,
      ])
      try exact.execute()
    }
    for row in outcome.sampled {
      let start: [(any DatabaseValueConvertible)?] = [evaluation, outcome.query, row.temperature]
      let end: [(any DatabaseValueConvertible)?] = [
        row.distinctCount, row.generatedAnswerCount, row.generatedVisibleCount,
        row.otherSpellingCount,
      ]
      sampled.setUncheckedArguments(StatementArguments(start + row.verdictCounts + end))
      try sampled.execute()
    }
    for row in outcome.answers {
      answer.setUncheckedArguments([
        evaluation, outcome.query, row.temperature, row.sample, row.text, row.object,
        row.tokens.map(String.init).joined(separator: " "), row.ended, row.isCanonical,
        row.logProbability, row.verdict.rawValue,
      ])
      try answer.execute()
    }
    for row in outcome.ranked {
      ranked.setUncheckedArguments([
        evaluation, outcome.query, row.object, row.rank, row.candidateCount, row.logProbability,
      ])
      try ranked.execute()
    }
  }
}
