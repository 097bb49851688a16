import Foundation

/// Remarks on standard error about what went otherwise than hoped and was dealt with.
package enum Warning {
  /// Prints "warning: " and one sentence on a line of its own.
  @Sendable package static func print(_ sentence: String) {
    // A remark that cannot be shown is no reason to stop.
    try? FileHandle.standardError.write(
      contentsOf: Data("warning: \(Readable.visible(sentence))\n".utf8))
  }
}
