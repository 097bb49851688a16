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
  /// Stores a finished measurement, with the rows of its tables, in the place of an earlier one
  /// under its key.
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
    try self.summary(summary, in: ResultTable.sharedHeader, key: M.storedKey(of: identity))
  }
}

/// Measurements whose rows are stored as they come.
extension RunDatabase {
  /// The measurement with this key in the table `header`, begun if it is not there; its summary
  /// comes at the end.
  func begin(
    _ header: String, _ tables: [ResultTable], identity: some Encodable, key: String,
    then prepare: (Database) throws -> Void
  ) throws -> Int64 {
    let json = String(decoding: try CanonicalJSON.compact(identity), as: UTF8.self)
    let definition = """
      CREATE TABLE IF NOT EXISTS \(header) (
        id INTEGER NOT NULL PRIMARY KEY,
        key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
        identity TEXT NOT NULL CHECK (json_valid(identity)),
        summary TEXT CHECK (summary IS NULL OR json_valid(summary))
      ) STRICT;
      """
    return try write { database in
      for definition in [definition] + tables.map(\.definition) {
        try database.execute(sql: definition)
      }
      try prepare(database)
      let known = try Int64.fetchOne(
        database, sql: "SELECT id FROM \(header) WHERE key = ?", arguments: [key])
      if known == nil {
        try database.execute(
          sql: "INSERT INTO \(header) (key, identity) VALUES (?, ?)", arguments: [key, json])
      }
      return known ?? database.lastInsertedRowID
    }
  }

  /// Ends the measurement with a key with its last rows and its summary.
  func complete(
    _ header: String, _ key: String, with summary: some Encodable,
    rows: (_ measurement: Int64, Database) throws -> Void
  ) throws {
    let json = String(decoding: try CanonicalJSON.compact(summary), as: UTF8.self)
    try write { database in
      let id = try Int64.fetchOne(
        database, sql: "SELECT id FROM \(header) WHERE key = ?", arguments: [key])
      guard let id else { throw damaged("\(header) \(key) is gone") }
      try rows(id, database)
      try database.execute(
        sql: "UPDATE \(header) SET summary = ? WHERE id = ?", arguments: [json, id])
    }
  }
}

extension ResultTable {
  /// The table of measures that have no header of their own.
  static let sharedHeader = "measurement"

  /// The header of measures that have none of their own; made, like their tables, when one is first
  /// stored.
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
    self.init(name, of: Self.sharedHeader, key: key, columns: columns)
  }
}
