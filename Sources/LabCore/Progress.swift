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

/// Durations and counts as people read them.
package enum Readable {
  /// "0:42", "3:05" or "1:02:09".
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e15 else { return "?" }
    let total = Int(seconds.rounded())
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
  }

  /// "950", "12.3k", "4.56m", "1.61b": three significant digits.
  package static func count(_ value: Double) -> String {
    let scales: [(Double, String)] = [(1e12, "t"), (1e9, "b"), (1e6, "m"), (1e3, "k")]
    for (scale, suffix) in scales where value >= scale {
      return significant(value / scale) + suffix
    }
    return significant(value)
  }

  private static func significant(_ value: Double) -> String {
    let places = value >= 100 || value == value.rounded() ? 0 : value >= 10 ? 1 : 2
    return String(format: "%.\(places)f", value)
  }
}
