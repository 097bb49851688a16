import Foundation

/// Work on numbered parts by several threads, whose results are taken in order.
package enum OrderedWork {
  /// Calls `take` with what `make` returns for each part, in order and on the calling thread.
  ///
  /// `make` runs ahead on `workers` threads, by at most twice as many parts. With one worker everything happens
  /// on the calling thread. The first error, in order of the parts, ends the work and is thrown.
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
      line.stop()
      group.wait()
    }
    for part in 0..<parts { try take(try line.take(part)) }
  }

  /// Parts that are made ahead of being taken; every access to its state holds the condition's lock.
  private final class Line<Part: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let parts: Int
    private let window: Int
    private var next = 0
    private var takenCount = 0
    private var ready: [Int: Result<Part, any Error>] = [:]
    private var isStopped = false

    init(parts: Int, window: Int) {
      self.parts = parts
      self.window = window
    }

    /// Makes parts until none is left.
    func work(_ make: (Int) throws -> Part) {
      while let part = claim() {
        let result = Result { try make(part) }
        condition.lock()
        ready[part] = result
        condition.broadcast()
        condition.unlock()
      }
    }

    func take(_ part: Int) throws -> Part {
      condition.lock()
      defer { condition.unlock() }
      while true {
        if let result = ready.removeValue(forKey: part) {
          takenCount = part + 1
          condition.broadcast()
          return try result.get()
        }
        condition.wait()
      }
    }

    func stop() {
      condition.lock()
      isStopped = true
      condition.broadcast()
      condition.unlock()
    }

    private func claim() -> Int? {
      condition.lock()
      defer { condition.unlock() }
      while !isStopped, next < parts, next >= takenCount + window { condition.wait() }
      guard !isStopped, next < parts else { return nil }
      next += 1
      return next - 1
    }
  }
}
