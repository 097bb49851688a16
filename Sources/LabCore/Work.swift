import Synchronization

/// How a long computation is to be done, and whom it tells how far it is.
package struct Work: Sendable {
  /// Threads; they change the speed, never the result.
  package var workers: Int
  /// Takes the share that is done, 0 to 1, and a few words: "12/340 queries".
  package var report: @Sendable (_ share: Double, _ words: String) -> Void
  /// Whether to save and throw `LabError.interrupted`; any thread may ask.
  package var shouldStop: @Sendable () -> Bool

  package init(
    workers: Int = 1, report: @escaping @Sendable (Double, String) -> Void = { _, _ in },
    shouldStop: @escaping @Sendable () -> Bool = { Interruption.isRequested }
  ) {
    self.workers = workers
    self.report = report
    self.shouldStop = shouldStop
  }

  /// Work whose progress is a line with the time that is left.
  package init(workers: Int, _ reporter: ProgressReporter) {
    let start = Mutex<(share: Double, watch: Stopwatch)?>(nil)
    self.init(
      workers: workers,
      report: { share, words in
        // What was there before this work says nothing of its pace.
        let first = start.withLock { start in
          if start == nil { start = (share, Stopwatch()) }
          return start
        }
        guard let first, share > first.share else { return reporter.update(words) }
        let left = first.watch.seconds * (1 - share) / (share - first.share)
        reporter.update("\(words)  \(Readable.duration(left)) left")
      })
  }

  /// The same work as a part of a whole, from one share of it to another.
  package func part(_ range: ClosedRange<Double>, _ prefix: String = "") -> Work {
    Work(
      workers: workers,
      report: { [report] share, words in
        report(
          range.lowerBound + share * (range.upperBound - range.lowerBound), prefix + words)
      }, shouldStop: shouldStop)
  }
}
