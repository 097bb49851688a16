import GRDB
import GRDBSQLite

/// Prepared INSERTs for millions of rows.
///
/// GRDB's own binding boxes every value; this file binds through SQLite's C interface instead, and
/// is the only one in the target that does. The statements outlive every call, because this value
/// owns them.
struct BulkInsert {
  private let database: Database
  private let entity: Statement
  /// A triple that is trained on once an epoch and has nothing else to say: most are.
  private let plainTriple: Statement
  private let triple: Statement

  init(_ database: Database) throws {
    self.database = database
    entity = try database.makeStatement(
      sql: "INSERT INTO entity (id, entity_type_id, name) VALUES (?, ?, ?)")
    plainTriple = try database.makeStatement(
      sql: "INSERT INTO triple (subject_id, predicate_id, object_id, bits) VALUES (?, ?, ?, ?)")
    triple = try database.makeStatement(
      sql: """
        INSERT INTO triple (subject_id, predicate_id, object_id, bits, held_out, exposures,
          derivation, inferable, noise)
        VALUES (?, ?, ?, ?, CASE ? WHEN 1 THEN 'object' WHEN 2 THEN 'query' WHEN 3 THEN 'subject' END,
          ?, CASE ? WHEN 1 THEN 'symmetric' WHEN 2 THEN 'inverse' WHEN 3 THEN 'transitive'
            WHEN 4 THEN 'rule' END,
          ?, CASE ? WHEN 1 THEN 'contradictory' WHEN 2 THEN 'stale' WHEN 3 THEN 'duplicate' END)
        """)
  }

  /// Inserts an entity; throws GRDB's `DatabaseError` when SQLite refuses it.
  func insert(_ entity: Entity, id: Int64) throws {
    let handle = unsafe self.entity.sqliteStatement
    unsafe sqlite3_bind_int64(handle, 1, id)
    unsafe sqlite3_bind_int64(handle, 2, Int64(entity.type))
    var name = entity.name
    // SQLite reads the text in place: the row is written before the bytes go away.
    try name.withUTF8 { bytes in
      try unsafe bytes.withMemoryRebound(to: CChar.self) { text in
        unsafe sqlite3_bind_text(handle, 3, text.baseAddress, Int32(text.count), nil)
        try run(self.entity)
      }
    }
  }

  /// Inserts a triple; throws GRDB's `DatabaseError` when SQLite refuses it.
  func insert(_ fact: Fact) throws {
    let isPlain =
      fact.heldOut == nil && fact.exposures == 1 && fact.derivation == nil && fact.noise == nil
    let statement = isPlain ? plainTriple : triple
    let handle = unsafe statement.sqliteStatement
    unsafe sqlite3_bind_int64(handle, 1, Int64(fact.triple.subject))
    unsafe sqlite3_bind_int64(handle, 2, Int64(fact.triple.predicate))
    unsafe sqlite3_bind_int64(handle, 3, Int64(fact.triple.object))
    if let bits = fact.bits {
      unsafe sqlite3_bind_double(handle, 4, bits)
    } else {
      unsafe sqlite3_bind_null(handle, 4)
    }
    if !isPlain {
      unsafe sqlite3_bind_int64(handle, 5, Self.code(fact.heldOut))
      unsafe sqlite3_bind_int64(handle, 6, Int64(fact.exposures))
      unsafe sqlite3_bind_int64(handle, 7, Self.code(fact.derivation))
      if fact.derivation == nil {
        unsafe sqlite3_bind_null(handle, 8)
      } else {
        unsafe sqlite3_bind_int64(handle, 8, fact.isInferable ? 1 : 0)
      }
      unsafe sqlite3_bind_int64(handle, 9, Self.code(fact.noise))
    }
    try run(statement)
  }

  private func run(_ statement: Statement) throws {
    let handle = unsafe statement.sqliteStatement
    let code = unsafe sqlite3_step(handle)
    let message = code == SQLITE_DONE ? nil : database.lastErrorMessage
    unsafe sqlite3_reset(handle)
    guard code == SQLITE_DONE else {
      throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
  }

  /// 0 for nil, then the case's place: the numbers in the statement above.
  private static func code<Value: CaseIterable & Equatable>(_ value: Value?) -> Int64 {
    guard let value else { return 0 }
    var number: Int64 = 0
    for known in Value.allCases {
      number += 1
      if known == value { return number }
    }
    return 0
  }
}
