package import Dispatch
import Foundation
import Synchronization

/// Whether the user or the scheduler has asked the process to stop (Ctrl-C, SIGTERM).
///
/// Long loops poll `isRequested`, save what they have and throw `LabError.interrupted`.
package enum Interruption {
  private static let requested = Atomic<Bool>(false)

  package static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Records a request to stop, as a signal would.
  package static func request() { requested.store(true, ordering: .relaxed) }

  /// Turns SIGINT and SIGTERM into requests; a second signal ends the process at once with code 130.
  ///
  /// Returns the sources to keep alive for as long as signals should be caught.
  package static func install() -> [any DispatchSourceSignal] {
    [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: .global(qos: .userInteractive))
      source.setEventHandler {
        if isRequested { exit(130) }
        request()
        try? FileHandle.standardError.write(
          contentsOf: Data("\nstopping after saving; press Ctrl-C again to stop at once\n".utf8))
      }
      source.resume()
      return source
    }
  }
}
