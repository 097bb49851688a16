import Evaluation
import GRDB
import LabCore

extension RunDatabase {
  /// Whether as many scores as these of a detector and the answers of an evaluation are stored.
  func hasScores(
    _ count: Int, detector: String, evaluation: String, temperature: Double
  ) throws -> Bool {
    try read { database in
      guard try database.tableExists("answer_score") else { return false }
      return try Int.fetchOne(
        database,
        sql: """
          SELECT count(*) FROM answer_score s JOIN evaluation e ON e.id = s.evaluation_id
          WHERE s.detector_key = ? AND e.key = ? AND s.temperature = ?
          """, arguments: [detector, evaluation, temperature]) == count
    }
  }

  /// Stores the scores that a detector gave to the answers of an evaluation, in the place of
  /// earlier ones.
  func store(
    _ scores: [Double], of examples: [DetectionExample], detector: String, name: String,
    evaluation: String, temperature: Double
  ) throws {
    try write { database in
      let id = try Int64.fetchOne(
        database, sql: "SELECT id FROM evaluation WHERE key = ?", arguments: [evaluation])
      let statement = try database.makeStatement(
        sql: "INSERT OR REPLACE INTO answer_score VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      for (example, score) in zip(examples, scores) {
        try statement.execute(arguments: [
          id, detector, name, example.query, temperature, example.sample, example.place ?? 0, score,
        ])
      }
    }
  }

  /// Stores what a detector said of triples, as read by the model of these weights, in the place of
  /// earlier scores.
  func store(
    _ scores: [TripleScore], detector: String, name: String, weights: String
  ) throws {
    try write { database in
      let statement = try database.makeStatement(
        sql: "INSERT OR REPLACE INTO triple_score VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      for score in scores {
        try statement.execute(arguments: [
          detector, weights, name, score.subject, score.predicate, score.object, score.place,
          score.score,
        ])
      }
    }
  }

  /// Stores the cells of a transfer that were tested on this run; earlier ones of the same
  /// detectors are replaced.
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

  /// Whether what was tested on a run by the detectors of all these is stored.
  func holds(_ keys: TransferKeys) throws -> Bool {
    try read { database in
      // A file of an early version has no such table.
      guard try database.tableExists("detector_transfer") else { return false }
      return try keys.trained.values.allSatisfy { key in
        try Bool.fetchOne(
          database,
          sql: """
            SELECT EXISTS (SELECT 1 FROM detector_transfer WHERE detector_key = ? AND test_key = ?)
            """, arguments: [key, keys.tested]) ?? false
      }
    }
  }
}

/// The keys of a transfer to one run in its detector_transfer.
struct TransferKeys: Encodable {
  let tested: String
  /// Of the detectors, by the name of the run that they learned from.
  let trained: [String: String]

  /// Canonical JSON, as SQL takes it.
  var json: String {
    get throws { String(decoding: try CanonicalJSON.compact(self), as: UTF8.self) }
  }
}
