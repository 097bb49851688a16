import Evaluation
import GRDB
import LabCore

/// Measurements whose rows are stored as they come.
extension RunDatabase {
  /// The measurement with this key in the table `header`, begun if it is not there; its summary comes at the end.
  func begin(
    _ header: String, _ tables: [ResultTable], identity: some Encodable, key: String,
    then prepare: (Database) throws -> Void = { _ in }
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

  /// Ends a measurement with its last rows and its summary.
  func complete(
    _ header: String, _ measurement: Int64, with summary: some Encodable,
    rows: (Database) throws -> Void
  ) throws {
    let json = String(decoding: try CanonicalJSON.compact(summary), as: UTF8.self)
    try write { database in
      try rows(database)
      try database.execute(
        sql: "UPDATE \(header) SET summary = ? WHERE id = ?", arguments: [json, measurement])
    }
  }
}
