import Foundation
import GRDB
import KnowledgeGraph
import LabCore

extension RunDatabase {
  /// The summary of a finished evaluation; nil where it is not there, not finished, or lacks tables that are
  /// made of the stored rows.
  package func summary(of identity: EvaluationIdentity) throws -> EvaluationSummary? {
    let key = try identity.key
    let json = try read { database in
      try String.fetchOne(
        database, sql: "SELECT summary FROM evaluation WHERE key = ? AND status = 'complete'",
        arguments: [key])
    }
    let summary = try json.map { try decode($0, key: key) }
    return summary?.tableVersion == EvaluationSummary.currentTableVersion ? summary : nil
  }

  /// The summaries of all finished evaluations, oldest first.
  package func summaries() throws -> [EvaluationSummary] {
    let rows = try read { database in
      try Row.fetchAll(
        database,
        sql: "SELECT key, summary FROM evaluation WHERE status = 'complete' ORDER BY id")
    }
    return try rows.map { try decode($0["summary"], key: $0["key"]) }
  }

  private func decode(_ json: String, key: String) throws -> EvaluationSummary {
    do {
      return try JSONDecoder().decode(EvaluationSummary.self, from: Data(json.utf8))
    } catch {
      throw damaged("the summary of evaluation \(key) cannot be read")
    }
  }

  /// The answers of a finished evaluation at one temperature, by query and sample.
  ///
  /// `key` is `EvaluationSummary.key`. The first of each pair is an index in `KnowledgeGraph.queries`.
  package func answers(
    key: String, temperature: Double
  ) throws -> [(query: Int, answer: SampledAnswer)] {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT a.query_id, a.sample, a.text, a.object_id, a.token_ids, a.ended, a.is_canonical,
            a.log_probability, a.verdict
          FROM answer a JOIN evaluation e ON e.id = a.evaluation_id
          WHERE e.key = ? AND e.status = 'complete' AND a.temperature = ?
          ORDER BY a.evaluation_id, a.query_id, a.sample
          """, arguments: [key, temperature])
      var answers: [(query: Int, answer: SampledAnswer)] = []
      while let row = try rows.next() {
        guard let verdict = Verdict(rawValue: row[8]) else {
          throw damaged("an answer has an unknown verdict")
        }
        let tokens = (row[4] as String).split(separator: " ").compactMap { Int32($0) }
        answers.append(
          (
            query: row[0],
            answer: SampledAnswer(
              temperature: temperature, sample: row[1], tokens: tokens, ended: row[5],
              text: row[2], object: row[3], isCanonical: row[6], logProbability: row[7],
              verdict: verdict)
          ))
      }
      return answers
    }
  }

  /// The numbers of every stored query, in order.
  func tallies(of evaluation: Int64, options: EvaluationOptions) throws -> [QueryTally] {
    try read { database in
      var exact: [Int: [ExactOutcome]] = [:]
      var sampled: [Int: [SampledOutcome]] = [:]
      let exactRows = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, temperature, correct, correct_held_out FROM exact_result
          WHERE evaluation_id = ?
          """, arguments: [evaluation])
      while let row = try exactRows.next() {
        exact[row[0], default: []].append(
          ExactOutcome(temperature: row[1], correct: row[2], correctHeldOut: row[3]))
      }
      let sampledRows = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, temperature, correct, correct_held_out, wrong_object, wrong_type,
            invented, malformed, abstained, distinct_count, generated_answer_count,
            generated_visible_count, other_spelling_count
          FROM sampled_result WHERE evaluation_id = ?
          """, arguments: [evaluation])
      while let row = try sampledRows.next() {
        sampled[row[0], default: []].append(
          SampledOutcome(
            temperature: row[1], verdictCounts: Verdict.allCases.indices.map { row[2 + $0] },
            distinctCount: row[9], generatedAnswerCount: row[10], generatedVisibleCount: row[11],
            otherSpellingCount: row[12]))
      }
      var ranked: [Int: [RankedAnswer]] = [:]
      let rankedRows = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, object_id, rank, candidate_count, log_probability FROM candidate_result
          WHERE evaluation_id = ?
          """, arguments: [evaluation])
      while let row = try rankedRows.next() {
        ranked[row[0], default: []].append(
          RankedAnswer(
            object: row[1], rank: row[2], candidateCount: row[3], logProbability: row[4]))
      }
      let queries = Set(exact.keys).union(sampled.keys).union(ranked.keys).sorted()
      return queries.map {
        QueryTally(
          query: $0, exact: exact[$0] ?? [], sampled: sampled[$0] ?? [], ranked: ranked[$0] ?? [])
      }
    }
  }
}
