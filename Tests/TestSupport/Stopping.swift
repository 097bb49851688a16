import Synchronization

/// What says no to the first `count` calls, from any thread, and yes to those that follow.
package func stopping(after count: Int) -> @Sendable () -> Bool {
  let calls = Calls()
  return { calls.next() > count }
}

/// Counts its calls.
private final class Calls: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock {
      $0 += 1
      return $0
    }
  }
}
