package import Foundation

/// The right to write in a folder, held by one process at a time and given up when it ends, however it ends.
package final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Creates `folder` if needed, locks it and removes what killed processes left half-written below it.
  ///
  /// Locks of different names don't exclude each other. Throws `LabError` when another process holds the lock or the
  /// folder cannot be written.
  package init(_ folder: URL, name: String = FolderLock.writing) throws {
    try AtomicFile.createFolder(folder)
    guard let descriptor = try Self.lock(folder, name) else {
      throw LabError(
        "\(folder.path) is being written by another process; "
          + "wait for it to end or choose another folder", .failure)
    }
    self.descriptor = descriptor
    Temporary.sweep(folder, below: true)
  }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  /// The lock of a folder, which is created if needed; nil where another process holds it.
  ///
  /// Throws `LabError` when the folder cannot be written.
  package static func ifFree(_ folder: URL, name: String) throws -> FolderLock? {
    try AtomicFile.createFolder(folder)
    guard let descriptor = try lock(folder, name) else { return nil }
    Temporary.sweep(folder, below: true)
    return FolderLock(descriptor: descriptor)
  }

  private static func lock(_ folder: URL, _ name: String) throws -> Int32? {
    let descriptor = Posix.openOrCreate(file(folder, name))
    guard descriptor >= 0 else {
      throw LabError(
        "cannot write in \(folder.path): \(Posix.message()); check its permission", .failure)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  /// The name of the lock of whatever writes in a folder.
  package static let writing = ".lock"

  deinit { close(descriptor) }

  /// Whether another process holds the lock of a folder, in which nothing is changed.
  package static func isHeld(_ folder: URL, name: String = FolderLock.writing) -> Bool {
    let descriptor = Posix.openForReading(file(folder, name))
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0
  }

  private static func file(_ folder: URL, _ name: String) -> String {
    folder.appendingPathComponent(name).path
  }
}
