package import Evaluation
import Foundation
import GRDB
package import KnowledgeGraph
import LabCore

extension RunDatabase {
  /// Makes the tables of detectors those of this version.
  ///
  /// Those of the version before get the columns that they lack; what was stored before that goes:
  /// all of it can be measured again.
  package func prepareDetection() throws {
    try write { database in
      switch try Self.detectionFormat(database) {
      case RunFormat.detectionFormat: break
      case RunFormat.detectionFormatBefore: try database.execute(sql: RunFormat.detectorColumns)
      default:
        try database.execute(sql: RunFormat.droppedDetectionTables)
        try database.execute(sql: RunFormat.detectionTables)
      }
    }
  }

  /// The summary of a finished detection; nil where it is not there.
  package func detectionSummary(of identity: DetectionIdentity) throws -> DetectionSummary? {
    let key = try identity.key
    return try detectionSummaries().first { $0.key == key }
  }

  /// The summaries of all finished detections, oldest first.
  package func detectionSummaries() throws -> [DetectionSummary] {
    let rows = try read { database in
      // A file of an early version, opened for reading, has none.
      let format = try Self.detectionFormat(database)
      guard format == RunFormat.detectionFormat || format == RunFormat.detectionFormatBefore else {
        return [(key: String, json: String)]()
      }
      return try Row.fetchAll(database, sql: "SELECT key, summary FROM detection ORDER BY id")
        .map { (key: try $0.value(0), json: try $0.value(1)) }
    }
    return try rows.map { row in
      do {
        return try JSONDecoder().decode(DetectionSummary.self, from: Data(row.json.utf8))
      } catch {
        throw damaged("the summary of detection \(row.key) cannot be read")
      }
    }
  }

  /// Stores a whole detection in one transaction; one of the same key is replaced.
  package func store(
    _ measurements: [TaskMeasurement], summary: DetectionSummary, identity: DetectionIdentity,
    graph: KnowledgeGraph
  ) throws {
    let identityJSON = String(decoding: try CanonicalJSON.compact(identity), as: UTF8.self)
    let summaryJSON = String(decoding: try CanonicalJSON.compact(summary), as: UTF8.self)
    try write { database in
      try database.execute(sql: "DELETE FROM detection WHERE key = ?", arguments: [summary.key])
      try database.execute(
        sql: "INSERT INTO detection (key, identity, summary) VALUES (?, ?, ?)",
        arguments: [summary.key, identityJSON, summaryJSON])
      let detection = database.lastInsertedRowID
      for measurement in measurements {
        let writer = try DetectionWriter(
          database, detection: detection, counts: measurement.counts, graph: graph)
        let examples = try measurement.examples.map { try writer.insert($0) }
        for detector in measurement.detectors {
          try writer.insert(detector, seed: summary.options.seed, examples: examples)
        }
      }
    }
  }
}

/// Prepared inserts for the rows of one task.
private struct DetectionWriter {
  private let database: Database
  private let detection: Int64
  private let counts: TaskCounts
  private let query: QueryWriter
  private let example: Statement
  private let score: Statement

  init(
    _ database: Database, detection: Int64, counts: TaskCounts, graph: KnowledgeGraph
  ) throws {
    self.database = database
    self.detection = detection
    self.counts = counts
    query = try QueryWriter(database, graph: graph)
    example = try database.makeStatement(
      sql: """
        INSERT INTO detection_example
          (detection_id, task, position, query_id, sample, place, subject_id, text, hallucinated)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    score = try database.makeStatement(sql: "INSERT INTO detector_score VALUES (?, ?, ?)")
  }

  /// Stores a test example and returns its id.
  func insert(_ value: DetectionExample) throws -> Int64 {
    try query.insert(value.query)
    example.setUncheckedArguments([
      detection, counts.task.rawValue, counts.position.name, value.query, value.sample, value.place,
      value.subject, value.text, value.isHallucination,
    ])
    try example.execute()
    return database.lastInsertedRowID
  }

  /// Stores a detector with its metrics and its score of each example.
  func insert(_ value: MeasuredDetector, seed: UInt64, examples: [Int64]) throws {
    let result = value.result
    let sizes = try value.shape.hiddenSizes.map {
      String(decoding: try CanonicalJSON.compact($0), as: UTF8.self)
    }
    try database.execute(
      sql: """
        INSERT INTO detector
          (detection_id, task, position, kind, name, layer, place, hidden_sizes, parameters, seed,
           train_count, validation_count, test_count, prevalence, folder, unmeasured, family,
           pretrained, validation_auroc)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        detection, result.task.rawValue, result.position.name, result.kind.rawValue, result.name,
        result.layer, result.place, sizes, result.parameters, String(seed),
        counts[.train]?.exampleCount ?? 0, counts[.validation]?.exampleCount ?? 0,
        counts[.test]?.exampleCount ?? 0, counts.prevalence, result.folder, result.unmeasured,
        value.family, value.shape.isPretrained, result.training?.validationAUROC,
      ])
    let detector = database.lastInsertedRowID
    try insert(result.metrics, calibration: "none", detector)
    for calibrated in result.calibrated {
      try insert(calibrated.metrics, calibration: calibrated.method.rawValue, detector)
    }
    for (id, number) in zip(examples, value.scores) {
      score.setUncheckedArguments([detector, id, number])
      try score.execute()
    }
  }

  private func insert(
    _ metrics: [MetricEstimate], calibration: String, _ detector: Int64
  ) throws {
    for estimate in metrics {
      try database.execute(
        sql: "INSERT INTO detector_metric VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          detector, calibration, estimate.metric.rawValue, estimate.value, estimate.lower,
          estimate.upper, estimate.chance,
        ])
    }
  }
}
