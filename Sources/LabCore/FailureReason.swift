import Foundation

/// The system's words for what went wrong, fit to stand inside a sentence.
package enum FailureReason {
  private static let preamble = "The operation could not be completed. "

  /// "no space left on device", say: without Foundation's preamble, codes and final stop.
  package static func text(_ error: any Error) -> String {
    if let failure = error as? any LabFailure { return failure.description }
    let error = error as NSError
    if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError { return text(underlying) }
    if error.domain == NSCocoaErrorDomain, error.code == CocoaError.fileWriteUnknown.rawValue {
      return "a file stands where a folder is needed, or the system refused"
    }
    var words = error.localizedDescription[...]
    if words.hasPrefix(preamble) { words = words.dropFirst(preamble.count) }
    if words.hasSuffix(".") { words = words.dropLast() }
    return words.prefix(1).lowercased() + words.dropFirst()
  }

  /// The system's error number behind an error; nil where there is none.
  package static func code(_ error: any Error) -> Int32? {
    let error = error as NSError
    if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError { return code(underlying) }
    return error.domain == NSPOSIXErrorDomain ? Int32(exactly: error.code) : nil
  }
}
