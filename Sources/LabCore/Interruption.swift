import Foundation
import Synchronization

/// Whether the user or the scheduler has asked the process to stop: by Ctrl-C, SIGTERM, or the end
/// of its terminal.
///
/// No thread that computes gets a signal: matrix products keep data where a signal's frame would be
/// written. All threads block them, and one of their own waits for them. Until a command begins
/// work that it saves (`heed`), a signal ends it at once, and what it was making goes. From then on
/// a signal is a request: long loops poll `isRequested`, save what they have and throw
/// `LabError.interrupted`.
package enum Interruption {
  private static let requested = Atomic<Bool>(false)
  private static let isHeeded = Atomic<Bool>(false)
  /// SIGHUP is one of them unless the process was started to outlive its terminal.
  private static let signals =
    Posix.isIgnored(SIGHUP) ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
  /// A second signal sooner than this is the same wish: schedulers and `timeout` signal a process
  /// and its group.
  private static let patience = Duration.seconds(1)

  package static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Records a request to stop, as a signal would.
  package static func request() { requested.store(true, ordering: .relaxed) }

  /// Throws where the process is to stop, for work that is not saved; `work` is what it does:
  /// "importing".
  package static func check(_ work: String) throws {
    guard isRequested else { return }
    throw LabError.interrupted("interrupted while \(work); nothing was written")
  }

  /// Keeps signals from all threads but one of their own; to be called before any other thread is
  /// started.
  package static func prepare() {
    Posix.block(signals)
    let thread = Thread {
      var first: ContinuousClock.Instant?
      while true {
        Posix.wait(for: signals)
        received(&first)
      }
    }
    thread.name = "signals"
    thread.start()
  }

  /// From here on the work polls `isRequested`, and is saved before it stops.
  package static func heed() { isHeeded.store(true, ordering: .sequentiallyConsistent) }

  /// Neither end is `exit`, whose clean-up would pull memory from under the threads that still
  /// compute.
  private static func received(_ first: inout ContinuousClock.Instant?) {
    if let first {
      if ContinuousClock.now - first > patience { _exit(130) }
    } else if isHeeded.load(ordering: .sequentiallyConsistent) {
      first = .now
      request()
      say("\nstopping after saving; press Ctrl-C again to stop at once\n")
    } else {
      Temporary.discardAll()
      say("\nerror: stopped with nothing half-written; run the same command again\n")
      _exit(ExitStatus.interrupted.rawValue)
    }
  }

  private static func say(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}
