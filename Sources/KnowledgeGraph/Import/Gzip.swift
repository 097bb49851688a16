import Foundation
import LabCore

/// The system's gzip as a process; there is no other code for compression.
enum Gzip {
  /// Starts gzip, which reads and writes open files where they are given.
  ///
  /// Throws `LabError` where no folder of PATH holds gzip, or it cannot be started; `name` is the
  /// file that needs it.
  static func start(
    _ option: String, source: Int32? = nil, target: Int32? = nil, for name: String
  ) throws -> ChildProcess {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let program = path.split(separator: ":").map { "\($0)/gzip" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let program else {
      throw LabError(
        "\(name) is compressed and there is no gzip on this system; install gzip, or use plain files",
        .failure)
    }
    do {
      return try ChildProcess(program, [option], source: source, target: target)
    } catch {
      throw LabError("cannot run gzip for \(name): \(FailureReason.text(error))", .failure)
    }
  }

  /// Waits for the end; returns what gzip has to say where it failed, without the names that it
  /// gives itself and its input.
  static func complaint(_ process: ChildProcess) -> String? {
    guard process.end(patience: .infinity) != .code(0) else { return nil }
    let words = (process.lastMessages.first ?? "").replacingOccurrences(of: "gzip: ", with: "")
      .replacingOccurrences(of: "stdin: ", with: "")
      .replacingOccurrences(of: "stdout: ", with: "").trimmingCharacters(in: .whitespaces)
    return words.isEmpty ? "gzip ended early" : words
  }
}

/// A compressed file that is unpacked as it is read.
struct GzipReader {
  private let process: ChildProcess
  private let name: String

  /// Unpacks a file of which `start` has been read.
  init(_ file: FileHandle, start: Data, name: String) throws {
    self.name = name
    guard (try? file.seek(toOffset: 0)) == nil else {
      process = try Gzip.start("-dc", source: file.fileDescriptor, for: name)
      return
    }
    // A pipe cannot be read from its beginning again, so that its bytes are handed on.
    let packed = Pipe()
    process = try Gzip.start(
      "-dc", source: packed.fileHandleForReading.fileDescriptor, for: name)
    try? packed.fileHandleForReading.close()
    let input = packed.fileHandleForWriting
    Thread.detachNewThread {
      var piece = start
      while !piece.isEmpty, (try? input.write(contentsOf: piece)) != nil {
        piece = (try? file.read(upToCount: 1 << 16)) ?? Data()
      }
      try? input.close()
    }
  }

  /// The next bytes, at most so many; empty at the end.
  func read(upToCount count: Int) throws -> Data { try process.read(atMost: count) }

  /// Waits for the end; throws `LabError` where the file turned out to be damaged or cut short.
  func finish() throws {
    guard let complaint = Gzip.complaint(process) else { return }
    throw LabError(
      "\(name) cannot be unpacked: \(complaint); it is damaged or cut short, so fetch or make it again (nothing was "
        + "written)")
  }

  /// Ends the process if it still runs.
  func stop() { process.end(patience: 0) }
}
