package import GRDB
import LabCore

/// What a measurement's key is a hash of.
private struct MeasurementKey<Identity: Encodable>: Encodable {
  let measure: String
  let version: Int
  let identity: Identity
}

extension Measure {
  /// The key in run.sqlite of what this kind of measure finds under everything that decides it.
  package static func storedKey(of identity: some Encodable) throws -> String {
    try CanonicalJSON.hash(MeasurementKey(measure: name, version: version, identity: identity)).hex
  }
}

/// Finished measurements of measures that have no header table of their own.
extension RunDatabase {
  /// Stores a finished measurement, with the rows of its tables, in the place of an earlier one under its key.
  package func store<M: Measure>(
    _ type: M.Type, identity: some Encodable, summary: some Encodable,
    rows: (_ measurement: Int64, Database) throws -> Void
  ) throws {
    let key = try M.storedKey(of: identity)
    let texts = try [CanonicalJSON.compact(identity), CanonicalJSON.compact(summary)].map {
      String(decoding: $0, as: UTF8.self)
    }
    try write { database in
      for definition in [ResultTable.measurement] + M.tables.map(\.definition) {
        try database.execute(sql: definition)
      }
      try database.execute(sql: "DELETE FROM measurement WHERE key = ?", arguments: [key])
      try database.execute(
        sql: "INSERT INTO measurement (measure, key, identity, summary) VALUES (?, ?, ?, ?)",
        arguments: [M.name, key, texts[0], texts[1]])
      try rows(database.lastInsertedRowID, database)
    }
  }

  /// What is stored of a finished measurement; nil where it is not there.
  ///
  /// Throws `LabError` where it cannot be read.
  package func summary<M: Measure, Summary: Decodable>(
    _ type: M.Type, of identity: some Encodable, as summary: Summary.Type
  ) throws -> Summary? {
    try self.summary(summary, in: "measurement", key: M.storedKey(of: identity))
  }
}

extension ResultTable {
  /// The header of measures that have none of their own; made, like their tables, when one is first stored.
  fileprivate static let measurement = """
    CREATE TABLE IF NOT EXISTS measurement (
      id INTEGER NOT NULL PRIMARY KEY,
      measure TEXT NOT NULL CHECK (measure <> ''),
      key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
      identity TEXT NOT NULL CHECK (json_valid(identity)),
      summary TEXT NOT NULL CHECK (json_valid(summary))
    ) STRICT;
    """

  /// A table of a measure that has no header of its own.
  package init(_ name: String, key: String, columns: String) {
    self.init(name, of: "measurement", key: key, columns: columns)
  }
}
