import Foundation
import LabCore

/// What an engine says of itself when it has started, for records.
package struct EngineRecord: Codable, Hashable, Sendable {
  package var name: String
  /// Versions of Python and its packages, by name.
  package var versions: [String: String]
  /// What computes, such as "cpu" or "cuda:0 NVIDIA H100".
  package var device: String
  package var processes: Int
  package var compiled: Bool

  package init(
    name: String, versions: [String: String], device: String, processes: Int, compiled: Bool
  ) {
    self.name = name
    self.versions = versions
    self.device = device
    self.processes = processes
    self.compiled = compiled
  }
}

/// A Python process that computes with PyTorch, and the frames to and from it.
///
/// Each failure is a `LabError`, after which the process has ended, with those that it started.
package final class EngineProcess {
  /// The version of the frames that this program writes and reads.
  package static let protocolVersion = 1

  /// What the first frame of the engine said.
  package let hello: Frame
  private let process: ChildProcess
  private let interpreter: String
  private let patience: Double
  /// Seconds that an engine has to end by itself.
  private static let farewell = 5.0

  /// Starts an engine and waits for its first frame.
  ///
  /// Throws `LabError` where there is no Python, a package is missing, it speaks another version,
  /// or it says nothing.
  package init(
    _ options: EngineOptions, shouldStop: () -> Bool = { Interruption.isRequested }
  ) throws {
    let interpreter = try options.interpreter()
    let process: ChildProcess
    do {
      process = try ChildProcess(
        interpreter, options.arguments, environment: options.environment())
    } catch {
      throw LabError(
        "cannot run \(interpreter): \(FailureReason.text(error)); name another Python by --python",
        .failure)
    }
    (self.process, self.interpreter, patience) = (process, interpreter, options.patience)
    hello = try Self.receive(
      process, interpreter, patience: 5 * options.patience, isStart: true, shouldStop: shouldStop)
    let version = hello.number("protocol")
    guard hello.kind == "hello", version == Double(Self.protocolVersion) else {
      process.end(patience: 0)
      let said = version.map { "version \($0 == $0.rounded() ? "\(Int($0))" : "\($0)")" } ?? "none"
      throw LabError(
        "the package kglab_torch of \(interpreter) speaks \(said) of the engine protocol, and this kglab version "
          + "\(Self.protocolVersion): install the package of the same kglab (make setup-torch)",
        .failure)
    }
  }

  /// Versions of Python and packages, as the engine said.
  package var versions: [String: String] {
    guard case .object(let versions)? = hello.fields["versions"] else { return [:] }
    return versions.compactMapValues { if case .text(let text) = $0 { text } else { nil } }
  }

  /// Sends a frame.
  package func send(_ frame: Frame) throws {
    do {
      try process.write(frame.encoded(), patience: patience)
    } catch let trouble as ChildProcess.Trouble {
      // What went wrong may have been said before its end.
      if trouble == .ended { while true { _ = try receive() } }
      throw Self.failure(trouble, process, interpreter, patience: patience, isStart: false)
    }
  }

  /// The next frame that is more than a sign of life; throws what an error frame says.
  package func receive() throws -> Frame {
    try Self.receive(process, interpreter, patience: patience, isStart: false) { false }
  }

  /// The next frame, which must be of this kind.
  package func receive(_ kind: String) throws -> Frame {
    let frame = try receive()
    guard frame.kind == kind else {
      process.end(patience: 0)
      throw LabError(
        "the torch engine answered '\(frame.kind)' where '\(kind)' was due; its package and kglab are not of one "
          + "version: run make setup-torch", .failure)
    }
    return frame
  }

  /// Sends a frame and takes the answer of this kind.
  package func ask(_ frame: Frame, for kind: String) throws -> Frame {
    try send(frame)
    return try receive(kind)
  }

  /// Ends the process, by force if it has to be.
  package func end() { process.end(patience: Self.farewell) }

  // MARK: Failures

  private static func receive(
    _ process: ChildProcess, _ interpreter: String, patience: Double, isStart: Bool,
    shouldStop: () -> Bool
  ) throws -> Frame {
    do {
      while true {
        let frame = try next(process, patience: patience, shouldStop: shouldStop)
        if frame.kind == "error" {
          process.end(patience: farewell)
          throw EngineFailure.error(frame, interpreter)
        }
        if frame.kind != "alive" { return frame }
      }
    } catch let trouble as ChildProcess.Trouble {
      throw failure(trouble, process, interpreter, patience: patience, isStart: isStart)
    }
  }

  private static func next(
    _ process: ChildProcess, patience: Double, shouldStop: () -> Bool
  ) throws -> Frame {
    func part(_ longest: UInt64) throws -> Data {
      let length = Frame.length(
        try process.read(8, patience: patience, shouldStop: shouldStop))
      guard length <= longest else {
        process.end(patience: 0)
        throw LabError(
          "the torch engine sent something that is no message (\(length) bytes announced); its package and kglab "
            + "are not of one version, or a program writes to its standard output: run make setup-torch",
          .failure)
      }
      return try process.read(Int(length), patience: patience, shouldStop: shouldStop)
    }
    let header = try part(Frame.longest.header)
    let body = try part(Frame.longest.body)
    do {
      return try Frame(header: header, body: body)
    } catch let error as LabError {
      process.end(patience: 0)
      throw LabError(
        "the torch engine sent something that is no message: \(error); run make setup-torch",
        .failure)
    }
  }

  private static func failure(
    _ trouble: ChildProcess.Trouble, _ process: ChildProcess, _ interpreter: String,
    patience: Double, isStart: Bool
  ) -> LabError {
    switch trouble {
    case .interrupted:
      process.end(patience: 0)
      return .interrupted("stopped while the torch engine was starting")
    case .silent:
      process.end(patience: 0)
      return LabError(
        "the torch engine (\(interpreter)) gave no sign of life for \(Int(patience.rounded())) seconds and was ended; "
          + "look at the load of the machine and the device, then run the command again", .failure)
    case .ended:
      let end = process.end(patience: farewell)
      return EngineFailure.error(
        end: end, messages: process.lastMessages, interpreter, isStart: isStart
      )
    }
  }
}
