import Foundation
import Synchronization

/// Progress on standard error: a line that redraws itself on a terminal, plain lines elsewhere.
///
/// Results go to standard output, so that both can be used in a pipe.
package final class ProgressReporter: Sendable {
  /// Where progress goes: a line that redraws itself, plain lines, or nowhere.
  package enum Style: Sendable { case terminal, lines, silent }

  private struct State {
    /// Since the last drawing; nil before the first.
    var sinceDraw: Stopwatch?
    var drawnWidth = 0
  }

  private let style: Style
  private let interval: Double
  private let state = Mutex(State())

  /// A reporter that redraws on a terminal and prints at most one line each ten seconds elsewhere.
  package init(style: Style? = nil) {
    let chosen = style ?? (isatty(STDERR_FILENO) == 1 ? .terminal : .lines)
    self.style = chosen
    interval = chosen == .terminal ? 0.1 : 10
  }

  package static let silent = ProgressReporter(style: .silent)

  /// Does work with a reporter whose line is cleared at its end.
  package static func during<Result>(
    _ work: (ProgressReporter) throws -> Result
  ) rethrows -> Result {
    let progress = ProgressReporter()
    defer { progress.finish() }
    return try work(progress)
  }

  /// Shows the state of work under way; most calls are dropped, so callers need not count.
  package func update(_ text: @autoclosure () -> String) {
    guard style != .silent else { return }
    state.withLock { state in
      if let since = state.sinceDraw, since.seconds < interval { return }
      state.sinceDraw = Stopwatch()
      draw(Readable.visible(text()), in: &state)
    }
  }

  /// Prints a line that stays.
  package func note(_ text: String) {
    guard style != .silent else { return }
    state.withLock { state in
      erase(&state)
      write(Readable.visible(text) + "\n")
    }
  }

  /// Clears the redrawn line, if any.
  package func finish() { state.withLock { erase(&$0) } }

  private func draw(_ text: String, in state: inout State) {
    guard style == .terminal else {
      write(text + "\n")
      return
    }
    let padding = String(repeating: " ", count: max(0, state.drawnWidth - text.count))
    write("\r" + text + padding)
    state.drawnWidth = text.count
  }

  private func erase(_ state: inout State) {
    guard state.drawnWidth > 0 else { return }
    write("\r" + String(repeating: " ", count: state.drawnWidth) + "\r")
    state.drawnWidth = 0
  }

  /// Progress that cannot be shown is no reason to stop.
  private func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}
