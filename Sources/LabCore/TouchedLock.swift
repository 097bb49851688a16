package import Foundation
import Synchronization

/// A lock made of files alone, for folders where the system's do not reach other machines.
///
/// Files NAME-1, NAME-2, ... stand in the folder, of which the last counts. Its holder touches it
/// as a sign of life, and writes "free" in it to let go. Who makes the next one, which the system
/// lets one process do, has the lock: after it was let go, after its holder's process died on this
/// machine, or after two minutes without a sign. A holder that finds itself replaced ends its
/// process at once, with the code of an interruption. Needs of the file system no more than that
/// two processes cannot make one file, and no common clock: times are of the files alone.
package final class TouchedLock: Sendable {
  private static let beat = 15.0
  private static let patience = 120.0
  private static let freeText = Data("free\n".utf8)

  // Set last: a lock that was not got has no thread to wait for.
  private let ending: DispatchSemaphore
  private let ended: DispatchSemaphore

  /// The lock of this name in a folder; nil where another process has it.
  ///
  /// Throws the system's error where nothing can be made there.
  package init?(_ folder: URL, name: String) throws {
    let last = Self.last(folder, name)
    if last > 0, try Self.isHeld(Self.file(folder, name, last), now: Self.clock(folder)) {
      return nil
    }
    let number = last + 1
    let file = Self.file(folder, name, number)
    let descriptor = Posix.create(file.path)
    guard descriptor >= 0 else {
      if errno == EEXIST { return nil }
      throw Posix.failure()
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    // A slower process may have made a number that others have passed meanwhile.
    guard Self.last(folder, name) == number else {
      try? FileManager.default.removeItem(at: file)
      return nil
    }
    let text = Data("\(Self.machine) \(getpid())\n".utf8)
    try handle.write(contentsOf: text)
    try handle.synchronize()
    for old in 1..<number {
      let old = Self.file(folder, name, old)
      if FileManager.default.fileExists(atPath: old.path) {
        try? FileManager.default.removeItem(at: old)
      }
    }
    let (ending, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let thread = Thread {
      while ending.wait(timeout: .now() + Self.beat) == .timedOut {
        if Self.last(folder, name) > number { Self.end(folder) }
        try? handle.seek(toOffset: 0)
        try? handle.write(contentsOf: text)
        try? handle.synchronize()
      }
      try? handle.truncate(atOffset: 0)
      try? handle.write(contentsOf: Self.freeText)
      try? handle.close()
      ended.signal()
    }
    thread.name = "lock"
    thread.start()
    (self.ending, self.ended) = (ending, ended)
  }

  deinit {
    ending.signal()
    ended.wait()
  }

  /// Whether a process has the lock of this name, as far as the clocks of machines agree; changes
  /// nothing.
  package static func isHeld(_ folder: URL, name: String) -> Bool {
    let last = last(folder, name)
    guard last > 0, let now = try? clock(FileManager.default.temporaryDirectory) else {
      return false
    }
    return (try? isHeld(file(folder, name, last), now: now)) ?? false
  }

  // MARK: Files

  private static func file(_ folder: URL, _ name: String, _ number: Int) -> URL {
    folder.appendingPathComponent("\(name)-\(number)")
  }

  /// The highest number that stands in a folder; 0 for none.
  private static func last(_ folder: URL, _ name: String) -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.compactMap { entry in
      entry.hasPrefix(name + "-") ? Int(entry.dropFirst(name.count + 1)) : nil
    }.max() ?? 0
  }

  /// Whether the holder of a file has it still; one that is gone is taken for held, as another is
  /// there then.
  private static func isHeld(_ file: URL, now: Double) throws -> Bool {
    guard let data = try? Data(contentsOf: file), let touched = FileTime.of(file) else {
      return true
    }
    guard data != freeText else { return false }
    let words = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    if words.count == 2, words[0] == machine, let process = Int32(words[1]) {
      if kill(process, 0) != 0, errno == ESRCH { return false }
    }
    return now - touched < patience
  }

  /// What time it is for the file system, which may be another machine's.
  private static func clock(_ folder: URL) throws -> Double {
    let file = Temporary.newPlace(in: folder)
    let descriptor = Posix.create(file.path)
    guard descriptor >= 0 else { throw Posix.failure() }
    close(descriptor)
    defer { try? FileManager.default.removeItem(at: file) }
    guard let time = FileTime.of(file) else { throw Posix.failure() }
    return time
  }

  /// This start of this machine, and the space of its process numbers.
  private static let machine: String = {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    let space = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
    return (boot ?? ProcessInfo.processInfo.hostName).trimmingCharacters(
      in: .whitespacesAndNewlines)
      + "/" + (space ?? "pid")
  }()

  private static func end(_ folder: URL) -> Never {
    Temporary.discardAll()
    let text =
      "error: another process has taken \(Readable.visible(folder.path)), since this one gave no sign of life for "
      + "\(Int(patience)) s; run the same command again to continue\n"
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    _exit(ExitStatus.interrupted.rawValue)
  }
}
