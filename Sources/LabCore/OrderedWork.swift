import Dispatch
import Synchronization

/// Work on numbered parts by several threads, whose results are taken in order.
package enum OrderedWork {
  /// Calls `take` with what `make` returns for each part, in order and on the calling thread.
  ///
  /// `make` runs ahead on `workers` threads, by at most twice as many parts. With one worker
  /// everything happens on the calling thread. The first error, in order of the parts, ends the
  /// work and is thrown.
  package static func run<Part: Sendable>(
    parts: Int, workers: Int, make: @escaping @Sendable (Int) throws -> Part,
    take: (Part) throws -> Void
  ) throws {
    guard workers > 1, parts > 1 else {
      for part in 0..<parts { try take(try make(part)) }
      return
    }
    let line = Line<Part>(parts: parts, window: 2 * workers)
    let group = DispatchGroup()
    for _ in 0..<min(workers, parts) {
      DispatchQueue.global().async(group: group) { line.work(make) }
    }
    defer {
      line.stop(workers: workers)
      group.wait()
    }
    for part in 0..<parts {
      if let made = try line.take(part) { try take(made) }
    }
  }

  /// Parts that are made ahead of being taken.
  private final class Line<Part: Sendable>: Sendable {
    private struct State {
      var next = 0
      var ready: [Int: Result<Part, any Error>] = [:]
      var isStopped = false
    }

    private let parts: Int
    private let state = Mutex(State())
    /// Signalled for each part that may be begun.
    private let room = DispatchSemaphore(value: 0)
    /// Signalled once each part is ready.
    private let ready: [DispatchSemaphore]

    init(parts: Int, window: Int) {
      self.parts = parts
      ready = (0..<parts).map { _ in DispatchSemaphore(value: 0) }
      for _ in 0..<window { room.signal() }
    }

    /// Makes parts until none is left.
    func work(_ make: (Int) throws -> Part) {
      while true {
        room.wait()
        let claimed: Int? = state.withLock { state in
          guard !state.isStopped, state.next < parts else { return nil }
          state.next += 1
          return state.next - 1
        }
        guard let part = claimed else { return }
        let result = Result { try make(part) }
        state.withLock { $0.ready[part] = result }
        ready[part].signal()
      }
    }

    func take(_ part: Int) throws -> Part? {
      ready[part].wait()
      let result = state.withLock { $0.ready.removeValue(forKey: part) }
      room.signal()
      return try result?.get()
    }

    func stop(workers: Int) {
      state.withLock { $0.isStopped = true }
      for _ in 0..<workers { room.signal() }
    }
  }
}
