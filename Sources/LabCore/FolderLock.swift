package import Foundation

/// The right to write in a folder, held by one process at a time and given up when it ends, however
/// it ends.
///
/// By the system's locks, which the file system may share between machines; by `TouchedLock` where
/// it does not.
package final class FolderLock: Sendable {
  private enum Hold: Sendable {
    case descriptor(Int32)
    case touched(TouchedLock)
  }

  /// The name of the lock of whatever writes in a folder.
  package static let writing = ".lock"

  private let hold: Hold

  /// Creates `folder` if needed, locks it and removes what killed processes left half-written below
  /// it.
  ///
  /// Throws `LabError` when another process holds the lock or the folder cannot be written.
  package init(_ folder: URL) throws {
    try AtomicFile.createFolder(folder)
    guard let hold = try Self.lock(folder, Self.writing) else {
      throw LabError(
        "\(folder.path) is being written by another process; "
          + "wait for it to end or choose another folder", .failure)
    }
    self.hold = hold
    Temporary.sweep(folder, below: true)
  }

  private init(_ hold: Hold) { self.hold = hold }

  /// The lock of this name of a folder, which is created if needed; nil where another process holds
  /// it.
  ///
  /// Locks of different names don't exclude each other. Throws `LabError` when the folder cannot be
  /// written.
  package static func ifFree(_ folder: URL, name: String) throws -> FolderLock? {
    try AtomicFile.createFolder(folder)
    return try lock(folder, name).map { FolderLock($0) }
  }

  private static func lock(_ folder: URL, _ name: String) throws -> Hold? {
    guard LockReach.of(folder) == .everywhere else {
      do {
        return try TouchedLock(folder, name: name).map { .touched($0) }
      } catch {
        throw cannotWrite(folder, FailureReason.text(error))
      }
    }
    let descriptor = Posix.openOrCreate(file(folder, name))
    guard descriptor >= 0 else { throw cannotWrite(folder, Posix.message()) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      return nil
    }
    return .descriptor(descriptor)
  }

  deinit {
    if case .descriptor(let descriptor) = hold { close(descriptor) }
  }

  /// Whether another process holds the lock of a folder, in which nothing is changed.
  package static func isHeld(_ folder: URL, name: String = FolderLock.writing) -> Bool {
    if TouchedLock.isHeld(folder, name: name) { return true }
    let descriptor = Posix.openForReading(file(folder, name))
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  private static func file(_ folder: URL, _ name: String) -> String {
    folder.appendingPathComponent(name).path
  }

  private static func cannotWrite(_ folder: URL, _ reason: String) -> LabError {
    LabError("cannot write in \(folder.path): \(reason); check its permission", .failure)
  }
}
