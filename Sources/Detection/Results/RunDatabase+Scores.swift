import Evaluation
import GRDB
import LabCore

/// Which stored answer, and which of its tokens, a score is of.
struct AnswerScorePlace: Hashable, Sendable {
  let query: Int
  let sample: Int
  /// The number of a token from 1; 0 for all of the answer, or for before it.
  let place: Int
}

/// Which triple, and which token of its object, a score is of.
struct TripleScoreKey: Hashable, Sendable {
  let subject: String
  let predicate: String
  let object: String
  let place: Int
}

extension RunDatabase {
  /// The stored scores that a detector gave to the answers of an evaluation.
  func answerScores(
    detector: String, evaluation: String, temperature: Double
  ) throws -> [AnswerScorePlace: Double] {
    try read { database in
      guard try Self.hasDetectionTables(database) else { return [:] }
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT s.query_id, s.sample, s.place, s.score FROM answer_score s
          JOIN evaluation e ON e.id = s.evaluation_id
          WHERE s.detector_key = ? AND e.key = ? AND s.temperature = ?
          """, arguments: [detector, evaluation, temperature])
      var scores: [AnswerScorePlace: Double] = [:]
      while let row = try rows.next() {
        scores[AnswerScorePlace(query: row[0], sample: row[1], place: row[2])] = row[3]
      }
      return scores
    }
  }

  /// Stores scores in one transaction.
  func store(
    _ scores: [AnswerScorePlace: Double], detector: String, name: String, evaluation: String,
    temperature: Double
  ) throws {
    try write { database in
      let id = try Int64.fetchOne(
        database, sql: "SELECT id FROM evaluation WHERE key = ?", arguments: [evaluation])
      let statement = try database.makeStatement(
        sql: "INSERT OR REPLACE INTO answer_score VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      for (place, score) in scores.sorted(by: {
        ($0.key.query, $0.key.sample, $0.key.place) < ($1.key.query, $1.key.sample, $1.key.place)
      }) {
        try statement.execute(arguments: [
          id, detector, name, place.query, temperature, place.sample, place.place, score,
        ])
      }
    }
  }

  /// The stored scores that a detector gave to triples, as read by the model of these weights.
  func tripleScores(detector: String, weights: String) throws -> [TripleScoreKey: Double] {
    try read { database in
      guard try Self.hasDetectionTables(database) else { return [:] }
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT subject, predicate, object, place, score FROM triple_score
          WHERE detector_key = ? AND weights_sha256 = ?
          """, arguments: [detector, weights])
      var scores: [TripleScoreKey: Double] = [:]
      while let row = try rows.next() {
        let key = TripleScoreKey(
          subject: row[0], predicate: row[1], object: row[2], place: row[3])
        scores[key] = row[4]
      }
      return scores
    }
  }

  /// Stores scores of triples in one transaction.
  func store(
    _ scores: [TripleScoreKey: Double], detector: String, name: String, weights: String
  ) throws {
    try write { database in
      let statement = try database.makeStatement(
        sql: "INSERT OR REPLACE INTO triple_score VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      for (key, score) in scores.sorted(by: {
        ($0.key.subject, $0.key.predicate, $0.key.object, $0.key.place)
          < ($1.key.subject, $1.key.predicate, $1.key.object, $1.key.place)
      }) {
        try statement.execute(arguments: [
          detector, weights, name, key.subject, key.predicate, key.object, key.place, score,
        ])
      }
    }
  }
}

extension RunDatabase {
  /// Stores the cells of a transfer that were tested on this run; earlier ones of the same detectors are replaced.
  func store(
    _ cells: [(cell: TransferCell, trainKey: String)], testKey: String
  ) throws {
    try write { database in
      let statement = try database.makeStatement(
        sql:
          "INSERT OR REPLACE INTO detector_transfer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      for (cell, trainKey) in cells {
        func insert(_ metric: String, _ estimate: MetricEstimate?) throws {
          try statement.execute(arguments: [
            trainKey, testKey, cell.detector, cell.task.rawValue, cell.trainedOn,
            cell.trainVisibility, cell.testedOn, cell.testVisibility, metric, estimate?.value,
            estimate?.lower, estimate?.upper, cell.refused,
          ])
        }
        if cell.metrics.isEmpty { try insert(DetectionMetric.auroc.rawValue, nil) }
        for estimate in cell.metrics { try insert(estimate.metric.rawValue, estimate) }
      }
    }
  }
}
