import Foundation

/// The three system calls that Foundation does not offer: rename over a file, flush a folder, lock a file.
///
/// C strings make them `unsafe`; each passes a Swift string for the length of the call and nothing else.
enum Posix {
  /// Renames `source` over `destination` in one step; false on failure, with `errno` set.
  static func rename(_ source: String, to destination: String) -> Bool {
    unsafe Foundation.rename(source, destination) == 0
  }

  /// Flushes a folder's entries to the disk, as far as the file system can.
  static func synchronizeFolder(_ path: String) {
    let folder = openForReading(path)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  /// Opens a file, creating it if needed with what the umask leaves; negative on failure, with `errno` set.
  static func openOrCreate(_ path: String) -> Int32 {
    unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o666)
  }

  /// Opens a file that is there for reading; negative on failure, with `errno` set.
  static func openForReading(_ path: String) -> Int32 {
    unsafe open(path, O_RDONLY | O_CLOEXEC)
  }

  /// The operating system's words for an error number, by default that of the last failed call.
  static func message(_ code: Int32 = errno) -> String {
    FailureReason.text(NSError(domain: NSPOSIXErrorDomain, code: Int(code)))
  }
}
