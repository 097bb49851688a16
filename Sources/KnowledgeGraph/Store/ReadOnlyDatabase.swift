package import Foundation
package import GRDB
import LabCore

/// SQLite files in which nothing is to be changed.
package enum ReadOnlyDatabase {
  /// Opens a file for reading; a process that writes it is waited for, 10 seconds at the most.
  ///
  /// In journal mode WAL, SQLite reads only where it can write. There a file with all its changes
  /// in it is read as it is, and `LabError` says how to leave the mode for any other. Throws
  /// `DatabaseError` for all else.
  package static func open(_ url: URL) throws -> DatabaseQueue {
    do {
      return try connect(url.path)
    } catch let error as DatabaseError
      where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode) && isInModeWAL(url)
    {
      let log = url.path + "-wal"
      if size(log) == 0,
        let queue = try? connect(URL(fileURLWithPath: url.path).absoluteString + "?immutable=1")
      {
        return queue
      }
      throw LabError(
        "\(url.relativePath) is in SQLite's journal mode WAL, in which it cannot be read where nothing can "
          + "be written; run sqlite3 \(url.lastPathComponent) 'PRAGMA journal_mode = delete' where it can, or "
          + "work on a copy of it and of \(log)", .failure)
    }
  }

  private static func connect(_ path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(10)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    // SQLite opens the files beside it when it first reads.
    _ = try queue.read { try Int.fetchOne($0, sql: "PRAGMA schema_version") }
    return queue
  }

  /// Whether the file's header asks readers to look into a log of changes.
  private static func isInModeWAL(_ url: URL) -> Bool {
    guard let file = try? FileHandle(forReadingFrom: url) else { return false }
    defer { try? file.close() }
    return (try? file.read(upToCount: 20))??.dropFirst(18).contains(2) ?? false
  }

  static func size(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }
}
