package import Dispatch
import Foundation
import Synchronization

/// Whether the user or the scheduler has asked the process to stop (Ctrl-C, SIGTERM).
///
/// Long loops poll `isRequested`, save what they have and throw `LabError.interrupted`.
package enum Interruption {
  private static let requested = Atomic<Bool>(false)
  /// When the first signal came; nil before.
  private static let firstSignal = Mutex<ContinuousClock.Instant?>(nil)
  /// A second signal sooner than this is the same wish: schedulers and `timeout` signal a process and its group.
  private static let patience = Duration.seconds(1)

  package static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Records a request to stop, as a signal would.
  package static func request() { requested.store(true, ordering: .relaxed) }

  /// Turns SIGINT and SIGTERM into requests; a second signal a second later ends the process with code 130.
  ///
  /// Returns the sources to keep alive for as long as signals should be caught.
  package static func install() -> [any DispatchSourceSignal] {
    [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: .global(qos: .userInteractive))
      source.setEventHandler {
        guard isFirst() else { return }
        request()
        try? FileHandle.standardError.write(
          contentsOf: Data("\nstopping after saving; press Ctrl-C again to stop at once\n".utf8))
      }
      source.resume()
      return source
    }
  }

  /// Whether this signal is the first; ends the process when it is a second wish to stop.
  private static func isFirst() -> Bool {
    firstSignal.withLock { first in
      guard let began = first else {
        first = .now
        return true
      }
      // Not `exit`, whose clean-up would pull memory from under the threads that still compute.
      if ContinuousClock.now - began > patience { _exit(130) }
      return false
    }
  }
}
