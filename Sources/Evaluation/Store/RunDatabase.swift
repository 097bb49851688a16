package import Foundation
package import GRDB
import KnowledgeGraph
package import LabCore

/// The file run.sqlite of a run folder: what was measured on one model.
///
/// One process writes at a time; others may read beside it. Ids of queries, entities and predicates
/// are those of the graph the run was trained on. The bytes depend on what was evaluated and in
/// which order, not on clocks or the number of workers.
package final class RunDatabase: Sendable {
  package static let fileName = "run.sqlite"

  let queue: DatabaseQueue
  private let name: String
  private let lock: FolderLock?

  private init(queue: DatabaseQueue, name: String, lock: FolderLock?) {
    self.queue = queue
    self.name = name
    self.lock = lock
  }

  /// Opens the file of a run folder for writing, made if needed, and holds the folder's lock.
  ///
  /// Throws `LabError` in one sentence when another process writes in the folder, or the file is
  /// another program's, a newer kglab's, of another graph, or damaged.
  package static func open(in folder: URL, graphHash: String) throws -> RunDatabase {
    let lock = try FolderLock(folder)
    let url = folder.appendingPathComponent(fileName)
    EmptyFile.create(url)
    let queue = try connect(url)
    let database = RunDatabase(queue: queue, name: url.path, lock: lock)
    try database.prepare(graphHash: graphHash)
    return database
  }

  /// Opens the file of a run folder for reading; nil where nothing was evaluated yet.
  ///
  /// What a killed process was writing is rolled back first, where this one may write. Throws like
  /// `open(in:graphHash:)`.
  package static func read(in folder: URL) throws -> RunDatabase? {
    let url = folder.appendingPathComponent(fileName)
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    rollBack(url)
    let database: RunDatabase
    do {
      database = RunDatabase(queue: try ReadOnlyDatabase.open(url), name: url.path, lock: nil)
    } catch let error as DatabaseError {
      throw failure(error, url.path)
    }
    guard try database.isPrepared() else { return nil }
    try database.read { database in
      if try detectionFormat(database) == RunFormat.detectionFormatBefore {
        try database.execute(sql: RunFormat.detectorView)
      }
    }
    return database
  }

  /// The same; nil also where the file cannot be read.
  ///
  /// For results that may be there already: it takes no lock and no permission to write.
  package static func stored(in folder: URL) -> RunDatabase? {
    try? read(in: folder)
  }

  /// Undoes a transaction whose process was killed, which SQLite does for who may write and never
  /// beside a living writer.
  private static func rollBack(_ url: URL) {
    guard FileManager.default.fileExists(atPath: url.path + "-journal") else { return }
    _ = try? connect(url).read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM sqlite_master") }
  }

  /// This database if it can be written, or else the same file of `folder` opened for writing.
  package func writable(in folder: URL, graphHash: String) throws -> RunDatabase {
    lock == nil ? try .open(in: folder, graphHash: graphHash) : self
  }

  private static func connect(_ url: URL) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    // Else SQLite locks readers out from the moment that a transaction outgrows its cache of 2 MB.
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_spill = OFF") }
    do {
      return try DatabaseQueue(path: url.path, configuration: configuration)
    } catch let error as DatabaseError {
      throw failure(error, url.path)
    }
  }

  // MARK: Access

  /// Runs `body` in one transaction; SQLite's failures become one-sentence errors.
  package func write<T>(_ body: (Database) throws -> T) throws -> T {
    do {
      return try queue.write(body)
    } catch {
      throw failure(error)
    }
  }

  /// Runs `body` on a consistent state of the file; SQLite's failures become one-sentence errors.
  package func read<T>(_ body: (Database) throws -> T) throws -> T {
    do {
      return try queue.read(body)
    } catch {
      throw failure(error)
    }
  }

  /// The error to show for one of SQLite's, or for a cell that was altered.
  private func failure(_ error: any Error) -> any Error {
    switch error {
    case let error as DatabaseError: Self.failure(error, name)
    case let cell as DamagedCell: damaged(cell.description)
    case is RowDecodingError: damaged("a value has a type that kglab does not write")
    default: error
    }
  }

  /// The error for a value that no version of kglab writes.
  package func damaged(_ what: String) -> LabError {
    LabError("\(name) is damaged: \(what); delete it and evaluate again")
  }

  // MARK: Format

  private func prepare(graphHash: String) throws {
    if try !isPrepared() {
      try write { database in
        for part in RunFormat.layout { try database.execute(sql: part) }
        try database.execute(
          sql: "INSERT INTO metadata (key, value) VALUES (?, ?)",
          arguments: [RunFormat.graphHashKey, graphHash])
        try database.execute(sql: "PRAGMA application_id = \(RunFormat.applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(RunFormat.version)")
      }
    }
    let stored = try read { database in
      try String.fetchOne(
        database, sql: "SELECT value FROM metadata WHERE key = ?",
        arguments: [RunFormat.graphHashKey])
    }
    guard stored == graphHash else {
      throw LabError(
        "\(name) holds answers about another graph than the run's; delete it and evaluate again")
    }
  }

  /// The version of the tables of detectors; nil where there are none.
  package static func detectionFormat(_ database: Database) throws -> String? {
    try String.fetchOne(
      database, sql: "SELECT value FROM metadata WHERE key = ?",
      arguments: [RunFormat.detectionFormatKey])
  }

  /// Whether the file has our tables; false for an empty file.
  private func isPrepared() throws -> Bool {
    let (application, version, tableCount) = try read { database in
      (
        try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0,
        try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0,
        try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_master") ?? 0
      )
    }
    if application == 0, version == 0, tableCount == 0 { return false }
    guard application == RunFormat.applicationID else {
      throw LabError(
        "\(name) is an SQLite file of another program, not a kglab run's; move it away and "
          + "evaluate again")
    }
    guard version <= RunFormat.version else {
      throw LabError(
        "\(name) has format \(version), made by a newer kglab; this one reads up to "
          + "\(RunFormat.version): update kglab")
    }
    guard version == RunFormat.version else {
      throw LabError(
        "\(name) has format \(version), which no release of kglab wrote; delete it and evaluate again"
      )
    }
    return true
  }

  private static func failure(_ error: DatabaseError, _ name: String) -> LabError {
    if error.extendedResultCode == .SQLITE_READONLY_ROLLBACK {
      return LabError(
        "\(name) was being written when its process was killed, and cannot be mended without permission to write; "
          + "run this command again with that", .failure)
    }
    return switch error.resultCode {
    case .SQLITE_NOTADB:
      LabError("\(name) is not an SQLite file; move it away and evaluate again")
    case .SQLITE_CORRUPT:
      LabError("\(name) is damaged (\(reason(error))); delete it and evaluate again")
    case .SQLITE_FULL:
      LabError(
        "the disk is full at \(name); free some space and run the command again, which continues",
        .failure)
    case .SQLITE_IOERR:
      LabError(
        "cannot read or write \(name) (\(reason(error))); check free space and permission, then run the "
          + "command again, which continues", .failure)
    case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
      LabError("cannot open or write \(name) (\(reason(error))); check its permission", .failure)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      LabError("\(name) is in use by another process; try again when it has ended", .failure)
    default:
      LabError("SQLite cannot use \(name): \(reason(error)) (code \(error.resultCode.rawValue))")
    }
  }

  private static func reason(_ error: DatabaseError) -> String {
    error.message ?? "code \(error.resultCode.rawValue)"
  }
}
