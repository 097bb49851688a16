package import GRDB
package import LabCore
import Training

/// A measure whose result is one summary, stored whole in run.sqlite under everything that decides
/// it.
package protocol StoredMeasure: Measure {
  associatedtype Identity: Encodable
  associatedtype Summary: Codable
  /// The table of run.sqlite with a row for each measurement: that of all measures, or one of its
  /// own whose rows are begun before they are finished.
  static var header: String { get }
  /// What decides the numbers; throws `LabError` where that is not there.
  func identity(of subject: MeasuredRun) throws -> Identity
  /// Measures; `key` is what the identity is stored under.
  ///
  /// Throws `LabError.interrupted` when stopped, after which the same call continues.
  func measured(
    _ subject: MeasuredRun, _ identity: Identity, key: String, _ work: Work
  ) throws -> Summary
  /// What its tables get of a summary.
  static func rows(of summary: Summary) -> [ResultRows]
}

/// Rows of a table of results.
package struct ResultRows {
  let insert: (_ measurement: Int64, Database) throws -> Void

  package init(_ table: ResultTable, _ rows: [some EncodableRecord]) {
    insert = { try table.insert(rows, of: $0, in: $1) }
  }
}

extension StoredMeasure {
  package static var header: String { ResultTable.sharedHeader }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    guard let database = try RunDatabase.read(in: subject.folder),
      let key = try? Self.storedKey(of: identity(of: subject))
    else { return nil }
    return try database.summary(Summary.self, in: Self.header, key: key).map { _ in key }
  }

  /// Measures a run into its run.sqlite, or reads back what is there.
  ///
  /// Throws `LabError` where the run cannot be measured so, and `LabError.interrupted` when
  /// stopped, after which the same call continues.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> Summary {
    let identity = try identity(of: subject)
    let key = try Self.storedKey(of: identity)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Summary.self, in: Self.header, key: key)
    {
      return summary
    }
    let summary = try measured(subject, identity, key: key, work)
    let database = try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash)
    func insert(_ measurement: Int64, _ database: Database) throws {
      for rows in Self.rows(of: summary) { try rows.insert(measurement, database) }
    }
    if Self.header == ResultTable.sharedHeader {
      try database.store(Self.self, identity: identity, summary: summary, rows: insert)
    } else {
      try database.complete(Self.header, key, with: summary, rows: insert)
    }
    return summary
  }

  /// The run's file and the id of the measurement in the measure's own header, begun with its
  /// tables if it is not there.
  package func begun(
    _ subject: MeasuredRun, _ identity: Identity, key: String, _ tables: [ResultTable] = [],
    then prepare: (Database) throws -> Void = { _ in }
  ) throws -> (RunDatabase, id: Int64) {
    let database = try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash)
    let id = try database.begin(
      Self.header, Self.tables + tables, identity: identity, key: key, then: prepare)
    return (database, id)
  }
}
