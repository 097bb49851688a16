package import Compute
import GRDB
import KnowledgeGraph
import LabCore

/// Everything that decides the probabilities a model gives to facts.
package struct ScoringIdentity: Codable, Hashable, Sendable {
  /// Raised when the same model would give other numbers.
  private var version = 1
  package let weightsHash: String
  package let graphHash: String
  package let precision: Precision

  package init(weightsHash: String, graphHash: String, precision: Precision) {
    self.weightsHash = weightsHash
    self.graphHash = graphHash
    self.precision = precision
  }

  /// SHA-256 of the canonical JSON, 64 digits.
  package var key: String {
    get throws { try CanonicalJSON.hash(self).hex }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case version, precision, graphHash
    case weightsHash = "weights_sha256"
  }
}

extension RunDatabase {
  /// The id of a scoring, made if it is not there.
  func scoring(_ identity: ScoringIdentity) throws -> Int64 {
    let key = try identity.key
    let json = String(decoding: try CanonicalJSON.compact(identity), as: UTF8.self)
    return try write { database in
      try database.execute(
        sql: "INSERT INTO scoring (key, identity) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        arguments: [key, json])
      let id = try Int64.fetchOne(
        database, sql: "SELECT id FROM scoring WHERE key = ?", arguments: [key])
      guard let id else { throw damaged("scoring \(key) is gone") }
      return id
    }
  }

  /// Queries that a scoring has results of.
  func scoredQueries(_ scoring: Int64) throws -> Set<Int> {
    try read { database in
      try Set(
        Int.fetchAll(
          database, sql: "SELECT query_id FROM scored_query WHERE scoring_id = ?",
          arguments: [scoring]))
    }
  }

  /// Stores the scores of some queries in one transaction.
  func store(_ scores: [FactScore], of scoring: Int64, graph: KnowledgeGraph) throws {
    try write { database in
      let query = try QueryWriter(database, graph: graph)
      let scored = try database.makeStatement(
        sql: "INSERT INTO scored_query VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      let fact = try database.makeStatement(
        sql: "INSERT INTO fact_probability VALUES (?, ?, ?, ?)")
      for score in scores {
        try query.insert(score.query)
        scored.setUncheckedArguments([
          scoring, score.query, score.greedy.text, score.greedy.object,
          score.greedy.verdict.rawValue, score.greedy.logProbability, score.draw.text,
          score.draw.object, score.draw.verdict.rawValue, score.draw.logProbability,
        ])
        try scored.execute()
        for answer in score.truth {
          fact.setUncheckedArguments([scoring, score.query, answer.object, answer.logProbability])
          try fact.execute()
        }
      }
    }
  }

  /// Stored scores, in order of their queries; all of a scoring, or of some queries.
  func scores(
    of scoring: Int64, queries: [Int]? = nil, graph: KnowledgeGraph
  ) throws -> [StoredScore] {
    let wanted = queries.map { " AND query_id IN (\($0.map(String.init).joined(separator: ",")))" }
    return try read { database in
      var scores: [StoredScore] = []
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, greedy_text, greedy_object_id, greedy_verdict, greedy_log_probability,
            draw_verdict, draw_log_probability
          FROM scored_query WHERE scoring_id = ?\(wanted ?? "") ORDER BY query_id
          """, arguments: [scoring])
      var places: [Int: Int] = [:]
      while let row = try rows.next() {
        let query: Int = try row.index(0, below: graph.queries.count)
        places[query] = scores.count
        scores.append(
          StoredScore(
            query: query, truth: [], greedyText: try row.value(1),
            greedyObject: try row.object(2, of: graph), greedyVerdict: try row.word(3),
            greedyLogProbability: try row.logProbability(4), drawVerdict: try row.word(5),
            drawLogProbability: try row.logProbability(6)))
      }
      let facts = try Row.fetchCursor(
        database,
        sql: """
          SELECT query_id, object_id, log_probability FROM fact_probability
          WHERE scoring_id = ?\(wanted ?? "") ORDER BY query_id, object_id
          """, arguments: [scoring])
      while let row = try facts.next() {
        guard let place = places[try row.value(0)] else {
          throw damaged("a fact has no scored query")
        }
        scores[place].truth.append(
          ScoredObject(
            object: try row.index(1, below: graph.entities.count),
            logProbability: try row.logProbability(2)))
      }
      return scores
    }
  }
}

/// What is stored of one query under one model.
struct StoredScore {
  /// Index in `KnowledgeGraph.queries`.
  let query: Int
  var truth: [ScoredObject]
  let greedyText: String
  let greedyObject: Int32?
  let greedyVerdict: Verdict
  let greedyLogProbability: Double
  let drawVerdict: Verdict
  let drawLogProbability: Double

  /// The probability of all true answers together.
  var probability: Double { min(1, truth.reduce(0) { $0 + $1.probability }) }
}
