package import Foundation

/// When files were written, by the clock of the file system they are on, to be compared with each
/// other alone.
package enum FileTime {
  /// Seconds of the last writing of a file; nil where there is none.
  package static func of(_ file: URL) -> Double? { Posix.modified(file.path) }
}
