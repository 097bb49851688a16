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
}
