package import GRDB
import LabCore

/// A row of a table of results that is stored and nowhere else: its columns are its properties in
/// snake_case.
package protocol ResultRow: Encodable, EncodableRecord {}

extension ResultRow {
  package static var databaseColumnEncodingStrategy: DatabaseColumnEncodingStrategy {
    .custom { SnakeCase.name($0.stringValue) }
  }
}

/// A table of results, declared once: in run.sqlite it belongs to a measurement, in study.sqlite to
/// a run.
package struct ResultTable: Sendable {
  /// Its name in study.sqlite.
  package let name: String
  /// Its name in run.sqlite.
  let source: String
  /// The table of run.sqlite that has a row for each measurement.
  let header: String
  /// SQL of all columns but the one that says to what a row belongs.
  let columns: String
  /// The columns that tell the rows of a measurement apart.
  let key: String
  /// The rows of the measurement with the key `?`, their columns in order.
  let rows: String

  /// A table that run.sqlite has under `source`, or by default under its name, with a column
  /// `header`_id.
  package init(
    _ name: String, in source: String? = nil, of header: String, key: String, columns: String
  ) {
    let source = source ?? name
    self.init(
      name, in: source, of: header, key: key, columns: columns,
      rows: """
        SELECT t.* FROM \(source) t JOIN \(header) h ON h.id = t.\(header)_id WHERE h.key = ?
        """, skips: 1)
  }

  /// Rows that study.sqlite gets by a query of run.sqlite.
  package init(_ name: String, key: String, columns: String, rows: String) {
    self.init(name, in: "", of: "", key: key, columns: columns, rows: rows, skips: 0)
  }

  /// Columns at the start of `rows` that are left out.
  private let skips: Int

  private init(
    _ name: String, in source: String, of header: String, key: String, columns: String,
    rows: String, skips: Int
  ) {
    self.name = name
    self.source = source
    self.header = header
    self.columns = columns
    self.key = key
    self.rows = rows
    self.skips = skips
  }

  // MARK: run.sqlite

  /// Makes the table in run.sqlite.
  package var definition: String {
    """
    CREATE TABLE IF NOT EXISTS \(source) (
      \(header)_id INTEGER NOT NULL REFERENCES \(header) (id) ON DELETE CASCADE,
    \(columns),
      PRIMARY KEY (\(header)_id, \(key))
    ) WITHOUT ROWID, STRICT;
    """
  }

  /// Removes the rows of a measurement.
  func remove(_ measurement: Int64, from database: Database) throws {
    try database.execute(
      sql: "DELETE FROM \(source) WHERE \(header)_id = ?", arguments: [measurement])
  }

  /// Inserts rows of a measurement, whose coding keys are the table's columns.
  package func insert(
    _ rows: [some EncodableRecord], of measurement: Int64, in database: Database
  ) throws {
    try Self.insert(rows, of: measurement.databaseValue, into: source, database)
  }

  // MARK: study.sqlite

  /// Makes the table in study.sqlite.
  package var studyDefinition: String {
    """
    CREATE TABLE \(name) (
      run_id TEXT NOT NULL REFERENCES run (id),
    \(columns),
      UNIQUE (run_id, \(key))
    ) STRICT;
    """
  }

  /// Copies a measurement's rows from a run's file into study.sqlite, as those of `run`.
  ///
  /// Throws `LabError` where the run's table has other columns, which another version of kglab gave
  /// it.
  package func copy(
    _ measurement: String, from source: RunDatabase, as run: String, to study: Database
  ) throws {
    let names = try study.columns(in: name).dropFirst().map(\.name)
    let found = try source.read { database in
      if !self.source.isEmpty, try database.tableExists(self.source),
        try database.columns(in: self.source).dropFirst().map(\.name) != names
      {
        throw source.damaged("its table \(self.source) is of another version of kglab")
      }
      return try Row.fetchAll(database, sql: rows, arguments: [measurement]).map {
        Array($0.databaseValues.dropFirst(skips))
      }
    }
    let places = Array(repeating: "?", count: names.count + 1).joined(separator: ", ")
    let statement = try study.makeStatement(sql: "INSERT INTO \(name) VALUES (\(places))")
    for values in found {
      try statement.execute(arguments: StatementArguments([run.databaseValue] + values))
    }
  }

  /// Inserts rows of a run, whose coding keys are the table's columns, into study.sqlite.
  package func insert(
    _ rows: [some EncodableRecord], of run: String, into study: Database
  ) throws {
    try Self.insert(rows, of: run.databaseValue, into: name, study)
  }

  private static func insert(
    _ rows: [some EncodableRecord], of owner: DatabaseValue, into table: String,
    _ database: Database
  ) throws {
    let names = try database.columns(in: table).dropFirst().map(\.name)
    let places = Array(repeating: "?", count: names.count + 1).joined(separator: ", ")
    let statement = try database.makeStatement(sql: "INSERT INTO \(table) VALUES (\(places))")
    for row in rows {
      let values = try row.databaseDictionary
      try statement.execute(
        arguments: StatementArguments([owner] + names.map { values[$0] ?? .null }))
    }
  }
}
