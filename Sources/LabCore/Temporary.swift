package import Foundation
import Synchronization

/// A new file or folder under a hidden random name, which becomes what it is for by being renamed.
///
/// It is locked for as long as its process lives, so that what a killed process left, which the
/// next one to write in that folder removes, is told from what is being written.
package final class Temporary: Sendable {
  /// Where it is: `.kglab-` with 16 digits and `.tmp`, in the folder it was made for.
  package let url: URL
  private let descriptor: Int32
  private static let prefix = ".kglab-"
  private static let suffix = ".tmp"
  /// What this process is writing, to be removed where a signal ends it.
  private static let live = Mutex<Set<String>>([])

  /// Makes an empty file or folder in `folder`, in which it first removes what killed processes
  /// left.
  ///
  /// Throws the system's error.
  package init(in folder: URL, isFolder: Bool) throws {
    Self.sweep(folder)
    while true {
      let url = Self.newPlace(in: folder)
      let descriptor =
        isFolder
        ? Posix.makeFolder(url.path) ? Posix.openForReading(url.path) : -1 : Posix.create(url.path)
      guard descriptor >= 0 else {
        if errno == EEXIST { continue }
        throw Posix.failure()
      }
      // Where nothing can be locked, nothing is taken for left behind either.
      let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
      guard isTaken || !Posix.hasName(descriptor) else {
        self.url = url
        self.descriptor = descriptor
        Self.live.withLock { _ = $0.insert(url.path) }
        return
      }
      close(descriptor)
    }
  }

  deinit { discard() }

  /// A place for a file or folder that goes soon, of a name that is swept where it does not.
  static func newPlace(in folder: URL) -> URL {
    let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    let name = String(repeating: "0", count: 16 - digits.count) + digits
    return folder.appendingPathComponent(prefix + name + suffix)
  }

  /// The file, to be written.
  package var handle: FileHandle { FileHandle(fileDescriptor: descriptor, closeOnDealloc: false) }

  /// Flushes the file to the disk and gives it its name.
  ///
  /// Throws the system's error where it cannot be flushed, `LabError` where it cannot be renamed.
  package func rename(to destination: URL) throws {
    guard fsync(descriptor) == 0 else { throw Posix.failure() }
    try AtomicFile.rename(url, to: destination)
  }

  /// Removes what is there under the temporary name, if anything is.
  package func discard() {
    guard Self.live.withLock({ $0.remove(url.path) }) != nil else { return }
    try? FileManager.default.removeItem(at: url)
    close(descriptor)
  }

  // MARK: Leftovers

  /// Removes what this process has not finished, as it is about to end.
  static func discardAll() {
    for path in live.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
  }

  /// Removes what killed processes left in a folder, and with `below` in all folders under it.
  ///
  /// Where locks do not reach other machines, what they are writing cannot be told from that, and
  /// all is left.
  static func sweep(_ folder: URL, below: Bool = false) {
    guard LockReach.of(folder) == .everywhere else { return }
    let files = FileManager.default
    let names =
      below
      ? files.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
      : (try? files.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where isOurs((name as NSString).lastPathComponent, inLabFolder: below) {
      let path = folder.appendingPathComponent(name).path
      let descriptor = Posix.openForReading(path)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { try? files.removeItem(atPath: path) }
      close(descriptor)
    }
  }

  /// Whether kglab made a name; in a folder of its own also `.NAME.PROCESS.tmp`, as the first
  /// release had it.
  private static func isOurs(_ name: String, inLabFolder: Bool) -> Bool {
    guard name.hasPrefix("."), name.hasSuffix(suffix) else { return false }
    if name.hasPrefix(prefix) {
      return name.utf8.count == prefix.utf8.count + 16 + suffix.utf8.count
    }
    guard inLabFolder else { return false }
    let parts = name.split(separator: ".")
    return parts.count >= 3 && parts[parts.count - 2].allSatisfy(\.isASCIIDigit)
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isWholeNumber }
}
