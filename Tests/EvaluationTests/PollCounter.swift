import Synchronization

/// Says stop after a number of polls, from any thread.
final class PollCounter: Sendable {
  private let count = Mutex(0)
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func isOver() -> Bool {
    count.withLock {
      $0 += 1
      return $0 > limit
    }
  }
}
