package import Foundation

/// The right to write in a folder, held by one process at a time and given up when it ends, however it ends.
package final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Creates `folder` if needed, locks it and removes what killed processes left half-written below it.
  ///
  /// Throws `LabError` when another process holds the lock or the folder cannot be written.
  package init(_ folder: URL) throws {
    try AtomicFile.createFolder(folder)
    descriptor = Posix.openOrCreate(Self.file(folder))
    guard descriptor >= 0 else {
      throw LabError(
        "cannot write in \(folder.path): \(Posix.message()); check its permission", .failure)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw LabError(
        "\(folder.path) is being written by another process; "
          + "wait for it to end or choose another folder", .failure)
    }
    Temporary.sweep(folder, below: true)
  }

  deinit { close(descriptor) }

  /// Whether another process holds the lock of a folder, in which nothing is changed.
  package static func isHeld(_ folder: URL) -> Bool {
    let descriptor = Posix.openForReading(file(folder))
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0
  }

  private static func file(_ folder: URL) -> String { folder.appendingPathComponent(".lock").path }
}
