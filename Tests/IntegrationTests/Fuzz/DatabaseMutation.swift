import Foundation
import GRDB

extension Mutation {
  /// What a cell may become; the tables' own checks keep some of it out.
  private static var cells: [String] {
    [
      "NULL", "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "1e308", "9e999",
      "''", "'x'", "'99999999 2'", "'-1'", "char(0)", "char(27) || '[2J'", "x'00ff'",
      "'{\"a\": [1e999]}'", "rowid",
    ]
  }

  /// Changes a column of one row or of all rows, drops a table or changes its version, behind the
  /// schema's back.
  mutating func change(databaseAt url: URL) throws {
    let database = try DatabaseQueue(path: url.path)
    defer { try? database.close() }
    var mutation = self
    try database.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
      let tables = try String.fetchAll(
        database,
        sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      guard !tables.isEmpty else { return }
      let table = mutation.pick(tables)
      let columns = try database.columns(in: table).map(\.name)
      let column = mutation.pick(columns)
      let rows = mutation.pick([
        "", "LIMIT 1", "LIMIT 1", "LIMIT 3",
      ])
      let change = mutation.pick([
        "UPDATE \"\(table)\" SET \"\(column)\" = \(mutation.pick(Self.cells))",
        "UPDATE \"\(table)\" SET \"\(column)\" = \(mutation.pick(Self.cells))",
        "UPDATE \"\(table)\" SET \"\(column)\" = \(mutation.pick(Self.cells))",
        "DELETE FROM \"\(table)\"",
      ])
      let key = try database.primaryKey(table).columns.first ?? "rowid"
      let place =
        rows.isEmpty
        ? ""
        : " WHERE \"\(key)\" IN (SELECT \"\(key)\" FROM \"\(table)\" ORDER BY random() \(rows))"
      // A change that the table refuses is no input.
      try? database.execute(sql: change + place)
      if mutation.pick([0, 0, 0, 0, 0, 0, 0, 1]) == 1 {
        try? database.execute(sql: "DROP TABLE \"\(table)\"")
      }
      if mutation.pick([0, 0, 0, 0, 0, 0, 0, 1]) == 1 {
        try database.execute(sql: "PRAGMA user_version = \(mutation.pick([0, 1, 99, -1]))")
      }
    }
    self = mutation
  }
}
