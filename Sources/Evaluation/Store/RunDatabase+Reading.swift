import Foundation
import GRDB
package import KnowledgeGraph
import LabCore

extension RunDatabase {
  /// What is stored of a finished measurement under its key in a table of measurements; nil where
  /// it is not there.
  ///
  /// Throws `LabError` where it cannot be read.
  package func summary<Summary: Decodable>(
    _ type: Summary.Type, in header: String, key: String
  ) throws -> Summary? {
    let json = try read { database in
      try database.tableExists(header)
        ? String.fetchOne(
          database, sql: "SELECT summary FROM \(header) WHERE key = ? AND summary IS NOT NULL",
          arguments: [key]) : nil
    }
    return try json.map { try decode(type, $0, header, key) }
  }

  /// All that is stored in a table of measurements, oldest first.
  package func summaries<Summary: Decodable>(
    _ type: Summary.Type, in header: String
  ) throws -> [Summary] {
    let rows = try read { database in
      try Row.fetchAll(
        database, sql: "SELECT key, summary FROM \(header) WHERE summary IS NOT NULL ORDER BY id"
      ).map { (key: try $0.value(0, String.self), json: try $0.value(1, String.self)) }
    }
    return try rows.map { try decode(type, $0.json, header, $0.key) }
  }

  private func decode<Summary: Decodable>(
    _ type: Summary.Type, _ json: String, _ header: String, _ key: String
  ) throws -> Summary {
    do {
      return try JSONDecoder().decode(type, from: Data(json.utf8))
    } catch {
      throw damaged("the summary of \(header) \(key) cannot be read")
    }
  }

  /// The summary of a finished evaluation; nil where it is not there, not finished, or lacks tables
  /// that are made of the stored rows.
  package func summary(of identity: EvaluationIdentity) throws -> EvaluationSummary? {
    let summary = try summary(EvaluationSummary.self, in: "evaluation", key: identity.key)
    return summary?.tableVersion == EvaluationSummary.currentTableVersion ? summary : nil
  }

  /// The summaries of all finished evaluations, oldest first.
  package func summaries() throws -> [EvaluationSummary] {
    try summaries(EvaluationSummary.self, in: "evaluation")
  }

  /// The answers of a finished evaluation at one temperature, by query and sample.
  ///
  /// `key` is `EvaluationSummary.key`. The first of each pair is an index in the queries of
  /// `graph`, and all tokens are below `vocabularySize`: rows that say otherwise are refused as
  /// damaged.
  package func answers(
    key: String, temperature: Double, of graph: KnowledgeGraph, vocabularySize: Int
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
        let tokens = try row.value(4, String.self).split(separator: " ").map { field in
          guard let token = Int32(field), token >= 0, token < vocabularySize else {
            throw row.damage(4)
          }
          return token
        }
        answers.append(
          (
            query: try row.index(0, below: graph.queries.count),
            answer: SampledAnswer(
              temperature: temperature, sample: try row.count(1), tokens: tokens,
              ended: try row.value(5), text: try row.value(2),
              object: try row.object(3, of: graph), isCanonical: try row.value(6),
              logProbability: try row.logProbability(7), verdict: try row.word(8))
          ))
      }
      return answers
    }
  }

  /// The numbers of every stored query of a graph, in order.
  func tallies(
    of evaluation: Int64, options: EvaluationOptions, graph: KnowledgeGraph
  ) throws -> [QueryTally] {
    let queryCount = graph.queries.count
    return try read { database in
      var exact: [Int: [ExactOutcome]] = [:]
      var sampled: [Int: [SampledOutcome]] = [:]
      let exactRows = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, temperature, correct, correct_held_out FROM exact_result
          WHERE evaluation_id = ?
          """, arguments: [evaluation])
      while let row = try exactRows.next() {
        exact[try row.index(0, below: queryCount), default: []].append(
          ExactOutcome(
            temperature: try row.value(1), correct: try row.share(2),
            correctHeldOut: try row.share(3)))
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
        sampled[try row.index(0, below: queryCount), default: []].append(
          SampledOutcome(
            temperature: try row.value(1),
            verdictCounts: try Verdict.allCases.indices.map { try row.count(2 + $0) },
            distinctCount: try row.count(9), generatedAnswerCount: try row.count(10),
            generatedVisibleCount: try row.count(11), otherSpellingCount: try row.count(12)))
      }
      var ranked: [Int: [RankedAnswer]] = [:]
      let rankedRows = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, object_id, rank, candidate_count, log_probability FROM candidate_result
          WHERE evaluation_id = ?
          """, arguments: [evaluation])
      while let row = try rankedRows.next() {
        let candidates = try row.value(3, in: 1...Int(Int32.max))
        ranked[try row.index(0, below: queryCount), default: []].append(
          RankedAnswer(
            object: try row.index(1, below: graph.entities.count),
            rank: try row.value(2, in: 1...Double(candidates + 1)), candidateCount: candidates,
            logProbability: try row.logProbability(4)))
      }
      let queries = Set(exact.keys).union(sampled.keys).union(ranked.keys).sorted()
      return queries.map {
        QueryTally(
          query: $0, exact: exact[$0] ?? [], sampled: sampled[$0] ?? [], ranked: ranked[$0] ?? [])
      }
    }
  }
}

extension Row {
  /// An entity of a graph, or none; throws `DamagedCell` for any other cell.
  func object(_ column: Int, of graph: KnowledgeGraph) throws -> Int32? {
    let cell: DatabaseValue = self[column]
    return cell.isNull ? nil : try index(column, below: graph.entities.count)
  }
}
