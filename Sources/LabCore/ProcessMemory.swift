import Foundation

/// How much memory the process has used.
package enum ProcessMemory {
  /// The largest resident size so far in MiB, or nil where the system does not say (outside Linux).
  package static var peakMiB: Double? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
      return nil
    }
    for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
      return line.split(separator: " ").compactMap { Double($0) }.first.map { $0 / 1024 }
    }
    return nil
  }

  /// Lets `peakMiB` begin anew from what is resident now, freed memory that the system has not back
  /// included.
  ///
  /// Does nothing where the system does not allow it; `peakMiB` then stays the peak since the
  /// start.
  package static func resetPeak() {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
    try? file.write(contentsOf: Data("5\n".utf8))
    try? file.close()
  }
}
