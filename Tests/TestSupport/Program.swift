package import Foundation

@testable import LabCore

/// Runs a program of the system to its end and gives the code it ended with.
@discardableResult package func runProgram(_ words: String..., in folder: URL? = nil) throws
  -> Int32
{ try startProgram(words, in: folder)() }

/// Starts a program of the system; what it gives waits for the end and gives the code, or the
/// signal that ended it.
package func startProgram(_ words: [String], in folder: URL? = nil) throws -> () -> Int32 {
  let nothing = try FileHandle(forUpdating: URL(fileURLWithPath: "/dev/null"))
  let program = try RunningProgram(
    words, in: folder ?? URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
    environment: ProcessInfo.processInfo.environment, output: .standardOutput, messages: nothing)
  return {
    switch program.wait(seconds: .infinity) {
    case .exited(let code)?: code
    case .killed(let signal)?: signal
    case nil: -1
    }
  }
}

/// How a process ended.
package enum ProgramEnd: Equatable {
  case exited(Int32)
  case killed(signal: Int32)
}

/// A program that tests start: by `posix_spawn`, as Foundation's `Process` crashes once in some ten
/// thousand starts where many threads start programs.
package final class RunningProgram {
  private let id: Int32
  private var outcome: ProgramEnd?

  /// Starts the first of the words, found in PATH, with the others; it reads nothing.
  ///
  /// Signals that ask it to stop wait until it listens to them, so that a test may send one at any
  /// moment.
  package init(
    _ words: [String], in folder: URL, environment: [String: String], output: FileHandle,
    messages: FileHandle
  ) throws {
    let nothing = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/null"))
    let files = [nothing, output, messages]
    id = try withExtendedLifetime(files) {
      try Posix.spawn(
        "/usr/bin/env", ["-C", folder.path] + words, environment: environment,
        files: files.map(\.fileDescriptor), blocking: [SIGHUP, SIGINT, SIGTERM])
    }
  }

  deinit {
    send(SIGKILL)
    _ = wait(seconds: 10)
  }

  /// How it ended; nil while it runs.
  package func end() -> ProgramEnd? {
    if outcome == nil {
      switch Posix.end(of: id) {
      case .code(let code)?: outcome = .exited(code)
      case .signal(let number)?: outcome = .killed(signal: number)
      case nil: break
      }
    }
    return outcome
  }

  /// How it ended, waiting for it so long; nil where it still runs.
  package func wait(seconds: Double) -> ProgramEnd? {
    let watch = Stopwatch()
    while end() == nil, watch.seconds < seconds { usleep(1_000) }
    return outcome
  }

  package func send(_ signal: Int32) {
    if end() == nil { kill(id, signal) }
  }
}
