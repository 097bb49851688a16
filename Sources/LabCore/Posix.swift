import Foundation

/// The system calls that Foundation does not offer, or whose reason for failing it does not tell.
///
/// C strings, signal sets and structs make them `unsafe`; each passes a value for the length of the
/// call and nothing else.
enum Posix {
  // MARK: Files

  /// Renames `source` over `destination` in one step; false on failure, with `errno` set.
  static func rename(_ source: String, to destination: String) -> Bool {
    unsafe Foundation.rename(source, destination) == 0
  }

  /// Flushes a file, or a folder's entries, to the disk; true where the file system cannot, false
  /// where it fails to.
  @discardableResult
  static func synchronize(_ path: String) -> Bool {
    let descriptor = openForReading(path)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS
  }

  /// Opens a file, creating it if needed with what the umask leaves; negative on failure, with
  /// `errno` set.
  static func openOrCreate(_ path: String) -> Int32 {
    unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o666)
  }

  /// Opens a file or a folder that is there for reading; negative on failure, with `errno` set.
  static func openForReading(_ path: String) -> Int32 {
    unsafe open(path, O_RDONLY | O_CLOEXEC)
  }

  /// Makes a file that was not there, with what the umask permits; negative on failure, with
  /// `errno` set.
  static func create(_ path: String) -> Int32 {
    unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o666)
  }

  /// Makes a folder that was not there, with what the umask permits; false on failure, with `errno`
  /// set.
  static func makeFolder(_ path: String) -> Bool { unsafe mkdir(path, 0o777) == 0 }

  /// Whether an open file still stands under a name.
  static func hasName(_ descriptor: Int32) -> Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0
  }

  /// Device and number of what stands at a path, links followed; nil where nothing does.
  static func identity(_ path: String) -> [UInt64]? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return [UInt64(status.st_dev), UInt64(status.st_ino)]
  }

  /// Seconds at which a file was last written, by the clock of its file system; nil where nothing
  /// stands there.
  static func modified(_ path: String) -> Double? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
  }

  // MARK: Signals

  /// Whether the process was started with a signal ignored, as by nohup.
  static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    // SIG_IGN is the address 1.
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Keeps signals from this thread and those it starts.
  static func block(_ numbers: [Int32]) {
    var set = set(numbers)
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for one of some blocked signals.
  static func wait(for numbers: [Int32]) {
    var set = set(numbers)
    var number: Int32 = 0
    while unsafe sigwait(&set, &number) != 0 {}
  }

  private static func set(_ numbers: [Int32]) -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in numbers { unsafe sigaddset(&set, number) }
    return set
  }

  // MARK: Failures

  /// The operating system's words for an error number, by default that of the last failed call.
  static func message(_ code: Int32 = errno) -> String { FailureReason.text(failure(code)) }

  /// An error number, by default that of the last failed call, as an error.
  static func failure(_ code: Int32 = errno) -> NSError {
    NSError(domain: NSPOSIXErrorDomain, code: Int(code))
  }
}
