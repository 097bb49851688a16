import GRDB
import GRDBSQLite

/// One prepared INSERT for integers, a short text and a number, run millions of times.
///
/// GRDB's own binding boxes every value; this file binds through SQLite's C interface instead, and is
/// the only one in the target that does. The statement outlives every call, because `statement` owns it.
struct BulkInsert {
  private let statement: Statement
  private let database: Database

  init(_ database: Database) throws {
    self.database = database
    statement = try database.makeStatement(
      sql: """
        INSERT INTO triple (subject_id, predicate_id, object_id, held_out, bits)
        VALUES (?, ?, ?, CASE ? WHEN 1 THEN 'object' WHEN 2 THEN 'query' WHEN 3 THEN 'subject' END, ?)
        """)
  }

  /// Inserts one row; throws GRDB's `DatabaseError` when SQLite refuses it.
  func insert(_ fact: Fact) throws {
    let handle = unsafe statement.sqliteStatement
    unsafe sqlite3_bind_int64(handle, 1, Int64(fact.triple.subject))
    unsafe sqlite3_bind_int64(handle, 2, Int64(fact.triple.predicate))
    unsafe sqlite3_bind_int64(handle, 3, Int64(fact.triple.object))
    unsafe sqlite3_bind_int64(handle, 4, Self.code(fact.heldOut))
    if let bits = fact.bits {
      unsafe sqlite3_bind_double(handle, 5, bits)
    } else {
      unsafe sqlite3_bind_null(handle, 5)
    }
    let code = unsafe sqlite3_step(handle)
    let message = code == SQLITE_DONE ? nil : database.lastErrorMessage
    unsafe sqlite3_reset(handle)
    guard code == SQLITE_DONE else {
      throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
  }

  private static func code(_ level: HeldOutLevel?) -> Int64 {
    switch level {
    case nil: 0
    case .object: 1
    case .query: 2
    case .subject: 3
    }
  }
}
