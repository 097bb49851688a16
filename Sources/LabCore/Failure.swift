/// How a command ends when it cannot do its work; the raw value is the process's exit code.
package enum ExitStatus: Int32, Sendable {
  /// Anything that no other case describes.
  case failure = 1
  /// The command line asks for something impossible (sysexits EX_USAGE).
  case usage = 64
  /// A file or value given by the user is wrong (EX_DATAERR).
  case badInput = 65
  /// What the work reads is not made yet; the same command does it once it is (EX_NOINPUT).
  case notReady = 66
  /// Interrupted after saving; the same command continues (EX_TEMPFAIL).
  case interrupted = 75
}

/// An error the user can act on: one sentence that says what, where and what to do.
package protocol LabFailure: Error, CustomStringConvertible, Sendable {
  var exitStatus: ExitStatus { get }
}

/// A failure outside any one stage: files, interruption, wrong usage.
package struct LabError: LabFailure, Equatable {
  package let description: String
  package let exitStatus: ExitStatus

  package init(_ description: String, _ exitStatus: ExitStatus = .badInput) {
    self.description = description
    self.exitStatus = exitStatus
  }

  /// The run was asked to stop and has saved its state.
  package static func interrupted(_ what: String) -> LabError {
    LabError("\(what); run the same command again to continue", .interrupted)
  }
}
