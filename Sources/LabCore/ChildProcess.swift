package import Foundation

/// A program beside this one: what it is sent, what it answers, and how it ends.
///
/// It is in a process group of its own, so that Ctrl-C reaches this process alone. It is to end
/// when its input does, as it does when this process is killed; `end` sees to it. For one thread at
/// a time.
package final class ChildProcess {
  /// How a process ended.
  package enum End: Equatable, Sendable {
    case code(Int32)
    case signal(Int32)
  }

  /// Why it could not be written to or read from.
  package enum Trouble: Error, Equatable {
    /// Its end of the pipe is closed.
    case ended
    /// Nothing came, or nothing was taken, for the whole patience.
    case silent
    /// This process is to stop.
    case interrupted
  }

  package let id: Int32
  /// Negative where the process reads or writes a file.
  private var input: Int32
  private let output: Int32
  private let messages: Int32
  /// How it ended; nil while it runs.
  private(set) package var outcome: End?

  /// Starts a program by its path; throws the system's error where that fails.
  ///
  /// It reads and writes the open files `source` and `target` where they are given, and is written
  /// to and read from otherwise.
  package init(
    _ program: String, _ arguments: [String],
    environment: [String: String] = ProcessInfo.processInfo.environment, source: Int32? = nil,
    target: Int32? = nil
  ) throws {
    // A program that ends early is then an error of writing, not the end of this process.
    signal(SIGPIPE, SIG_IGN)
    let place = Temporary.newPlace(in: FileManager.default.temporaryDirectory)
    messages = Posix.create(place.path)
    guard messages >= 0 else { throw Posix.failure() }
    try? FileManager.default.removeItem(at: place)
    let (childInput, input) = source == nil ? try Posix.pipe() : (-1, -1)
    let (output, childOutput) = target == nil ? try Posix.pipe() : (-1, -1)
    (self.input, self.output) = (input, output)
    defer {
      close(childInput)
      close(childOutput)
    }
    do {
      id = try Posix.spawn(
        program, arguments, environment: environment,
        files: [source ?? childInput, target ?? childOutput, messages])
    } catch {
      for descriptor in [input, output, messages] { close(descriptor) }
      throw error
    }
    for descriptor in [input, output] where descriptor >= 0 { Posix.doNotWait(descriptor) }
  }

  deinit {
    end(patience: 0)
    close(output)
    close(messages)
  }

  /// Sends bytes; throws `Trouble` where some are not taken within `patience` seconds of the ones
  /// before.
  package func write(_ bytes: Data, patience: Double) throws {
    var rest = bytes
    var watch = Stopwatch()
    while !rest.isEmpty {
      let taken: Int
      do { taken = try Posix.write(input, rest.prefix(1 << 20)) } catch { throw Trouble.ended }
      if taken > 0 {
        rest = rest.dropFirst(taken)
        watch = Stopwatch()
      } else {
        guard watch.seconds < patience else { throw Trouble.silent }
        _ = Posix.wait(input, toWrite: true, milliseconds: 100)
      }
    }
  }

  /// The next bytes, just so many.
  ///
  /// Throws `Trouble` where none come for `patience` seconds, or `shouldStop` says so, which is
  /// polled while it waits.
  package func read(
    _ count: Int, patience: Double, shouldStop: () -> Bool = { false }
  ) throws -> Data {
    var bytes = Data()
    var watch = Stopwatch()
    while bytes.count < count {
      guard let new = try Posix.read(output, atMost: min(count - bytes.count, 1 << 20)) else {
        if shouldStop() { throw Trouble.interrupted }
        guard watch.seconds < patience else { throw Trouble.silent }
        _ = Posix.wait(output, toWrite: false, milliseconds: 100)
        continue
      }
      guard !new.isEmpty else { throw Trouble.ended }
      bytes += new
      watch = Stopwatch()
    }
    return bytes
  }

  /// The next bytes, at most so many, however long they take; empty at the end.
  package func read(atMost count: Int) throws -> Data {
    while true {
      if let new = try Posix.read(output, atMost: count) { return new }
      _ = Posix.wait(output, toWrite: false, milliseconds: 1_000)
    }
  }

  /// Ends it: by the end of its input, after `patience` seconds by SIGTERM, which launchers pass
  /// on, and at last by force.
  ///
  /// With it end the processes that it started, but for those that have left its group.
  @discardableResult
  package func end(patience: Double) -> End? {
    if input >= 0 { close(input) }
    input = -1
    guard outcome == nil else { return outcome }
    waitForEnd(patience)
    if outcome == nil {
      kill(-id, SIGTERM)
      waitForEnd(Self.lastPatience)
    }
    // Also where it has ended: what it started may not have.
    kill(-id, SIGKILL)
    waitForEnd(.infinity)
    return outcome
  }

  private func waitForEnd(_ seconds: Double) {
    let watch = Stopwatch()
    outcome = outcome ?? Posix.end(of: id)
    while outcome == nil, watch.seconds < seconds {
      usleep(2_000)
      outcome = Posix.end(of: id)
    }
  }

  /// Seconds between SIGTERM and SIGKILL.
  private static let lastPatience = 5.0

  /// The last of what it wrote to standard error, in lines that are not empty.
  package var lastMessages: [String] {
    let size = lseek(messages, 0, SEEK_END)
    lseek(messages, max(0, size - (1 << 16)), SEEK_SET)
    var text = Data()
    while let more = try? Posix.read(messages, atMost: 1 << 16), !more.isEmpty { text += more }
    return String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
