import Foundation
import TestSupport

/// A call of the built `kglab` as a process.
struct Command {
  let arguments: [String]
  let folder: URL
  var environment: [String: String] = [:]
  /// Largest size in KiB of any file the process may write: to a program, a disk that is full.
  var fileLimit: Int?
  /// Largest address space in KiB; to a program, memory that runs out.
  var memoryLimit: Int?
  /// Whether its process id is 1, as in a container; needs root.
  var isFirstProcess = false
  /// Seconds after which it counts as hanging.
  var patience = 300
  /// A command of the shell that goes before, such as "umask 002".
  var setUp: String?
  /// Where standard output goes instead of into the result.
  var outputPath: String?

  init(_ arguments: [String], in folder: URL) {
    self.arguments = arguments
    self.folder = folder
  }

  /// Runs to the end, however it comes.
  func run() throws -> CommandResult { try start().wait() }

  func start() throws -> RunningCommand { try RunningCommand(self) }

  // MARK: The executable

  struct ExecutableMissing: Error, CustomStringConvertible {
    let description: String
  }

  /// The `kglab` beside the tests, whatever the build configuration.
  static func executable() throws -> URL {
    let start = Bundle.main.executableURL?.path ?? CommandLine.arguments.first ?? ""
    var folder = URL(fileURLWithPath: start).resolvingSymlinksInPath()
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      let candidate = folder.appendingPathComponent("kglab")
      // A folder counts as executable too.
      let values = try? candidate.resourceValues(forKeys: [.isRegularFileKey])
      if values?.isRegularFile ?? false,
        FileManager.default.isExecutableFile(atPath: candidate.path)
      {
        return candidate
      }
    }
    throw ExecutableMissing(
      description: "no kglab beside \(start): build it with the tests (swift build --build-tests)")
  }
}

/// What a command left behind.
struct CommandResult {
  let end: ProgramEnd
  let output: Data
  let messages: String

  var text: String { String(decoding: output, as: UTF8.self) }
  var lines: [String] { Self.lines(text) }
  var messageLines: [String] { Self.lines(messages) }

  /// Standard output as one JSON value; throws where it holds anything else.
  func json() throws -> Any { try JSONSerialization.jsonObject(with: output) }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
  }
}

/// A command under way.
final class RunningCommand {
  struct TimeOut: Error {
    let arguments: [String]
  }

  private let process: RunningProgram
  private let capture: TemporaryFolder
  private let arguments: [String]
  private let patience: Int

  fileprivate init(_ command: Command) throws {
    arguments = command.arguments
    patience = command.patience
    capture = try TemporaryFolder()
    let executable = try Command.executable().path
    let setUp =
      [
        command.fileLimit.map { "ulimit -f \($0)" }, command.memoryLimit.map { "ulimit -v \($0)" },
        command.setUp,
      ].compactMap(\.self)
    var words = [executable] + arguments
    if command.isFirstProcess {
      words = ["unshare", "-pf", "--kill-child"] + words
    } else if !setUp.isEmpty {
      words =
        ["/bin/bash", "-c", setUp.joined(separator: " && ") + " && exec \"$0\" \"$@\""] + words
    }
    // A process that traps is to end at once, without minutes of looking for symbols.
    let fixed = ["SWIFT_BACKTRACE": "enable=no", "COLUMNS": "80"]
    let messages = try Self.file(capture["stderr"].path)
    // Held by all that inherit it, until the last of them is gone.
    _ = flock(messages.fileDescriptor, LOCK_EX)
    process = try RunningProgram(
      words, in: command.folder,
      environment: ProcessInfo.processInfo.environment
        .merging(fixed) { _, new in new }.merging(command.environment) { _, new in new },
      output: Self.file(command.outputPath ?? capture["stdout"].path),
      messages: messages)
  }

  private static func file(_ path: String) throws -> FileHandle {
    if !FileManager.default.fileExists(atPath: path) {
      try Data().write(to: URL(fileURLWithPath: path))
    }
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  /// Waits until `condition` holds; false where the process ended before, or in no end of time.
  ///
  /// The condition is of files that the process writes: nothing tells of it, so that it is asked
  /// again and again.
  func wait(until condition: () -> Bool) -> Bool {
    let began = ContinuousClock.now
    while process.end() == nil, ContinuousClock.now - began < .seconds(patience) {
      if condition() { return true }
      Thread.sleep(forTimeInterval: 0.001)
    }
    return false
  }

  func send(_ signal: Int32) { process.send(signal) }

  func wait() throws -> CommandResult {
    guard let end = process.wait(seconds: Double(patience)) else {
      process.send(SIGKILL)
      throw TimeOut(arguments: arguments)
    }
    if case .killed = end { try waitForHeirs() }
    return CommandResult(
      end: end, output: (try? capture.data("stdout")) ?? Data(),
      messages: String(decoding: try capture.data("stderr"), as: UTF8.self))
  }

  /// Waits until what a killed launcher had started is gone too; not for ever.
  private func waitForHeirs() throws {
    let messages = try Self.file(capture["stderr"].path)
    let began = ContinuousClock.now
    while flock(messages.fileDescriptor, LOCK_EX | LOCK_NB) != 0,
      ContinuousClock.now - began < .seconds(10)
    {
      usleep(1_000)
    }
    // A process that ends closes its messages before the files that it has locked.
    usleep(50_000)
  }
}
