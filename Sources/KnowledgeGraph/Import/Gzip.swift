import Foundation
import LabCore

/// The system's gzip as a process; there is no other code for compression.
enum Gzip {
  /// A process that runs gzip and has not begun.
  ///
  /// Throws `LabError` where no folder of PATH holds gzip; `name` is the file that needs it.
  static func process(_ arguments: [String], for name: String) throws -> Process {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let program = path.split(separator: ":").map { "\($0)/gzip" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let program else {
      throw LabError(
        "\(name) is compressed and there is no gzip on this system; install gzip, or use plain files",
        .failure)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    return process
  }

  /// What gzip has to say, without the names that it gives itself and its input.
  static func complaint(_ messages: Pipe) -> String {
    let data = try? messages.fileHandleForReading.readToEnd()
    let text = String(decoding: data ?? Data(), as: UTF8.self)
    let line = text.split(separator: "\n").first { !$0.allSatisfy(\.isWhitespace) } ?? ""
    let words = line.replacingOccurrences(of: "gzip: ", with: "")
      .replacingOccurrences(of: "stdin: ", with: "")
      .replacingOccurrences(of: "stdout: ", with: "").trimmingCharacters(in: .whitespaces)
    return words.isEmpty ? "gzip ended early" : words
  }
}

/// A compressed file that is unpacked as it is read.
struct GzipReader {
  private let process: Process
  private let messages = Pipe()
  private let unpacked = Pipe()
  private let name: String

  var output: FileHandle { unpacked.fileHandleForReading }

  /// Unpacks a file of which `start` has been read.
  init(_ file: FileHandle, start: Data, name: String) throws {
    self.name = name
    process = try Gzip.process(["-dc"], for: name)
    // A pipe cannot be read from its beginning again, so that its bytes are handed on.
    let isPipe = (try? file.seek(toOffset: 0)) == nil
    let packed = isPipe ? Pipe() : nil
    process.standardInput = packed ?? file
    process.standardOutput = unpacked
    process.standardError = messages
    do {
      try Interruption.start(process)
    } catch {
      throw LabError("cannot run gzip for \(name): \(FailureReason.text(error))", .failure)
    }
    try? unpacked.fileHandleForWriting.close()
    guard let packed else { return }
    try? packed.fileHandleForReading.close()
    // A gzip that ends early is then an error of writing, not the end of this process.
    signal(SIGPIPE, SIG_IGN)
    let input = packed.fileHandleForWriting
    Thread.detachNewThread {
      var piece = start
      while !piece.isEmpty, (try? input.write(contentsOf: piece)) != nil {
        piece = (try? file.read(upToCount: 1 << 16)) ?? Data()
      }
      try? input.close()
    }
  }

  /// Waits for the end; throws `LabError` where the file turned out to be damaged or cut short.
  func finish() throws {
    process.waitUntilExit()
    guard process.terminationStatus != 0 else { return }
    throw LabError(
      "\(name) cannot be unpacked: \(Gzip.complaint(messages)); it is damaged or cut short, so fetch or "
        + "make it again (nothing was written)")
  }

  /// Ends the process if it still runs.
  func stop() {
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
    try? output.close()
  }
}
