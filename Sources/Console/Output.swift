import Foundation
package import LabCore

/// Results on standard output, messages on standard error.
package enum Output {
  /// One line; what of it a terminal would obey is shown instead.
  package static func line(_ text: String = "") {
    write(Data((Readable.visible(text) + "\n").utf8))
  }

  /// Lines for another program, as they are.
  package static func text(_ text: String) { write(Data(text.utf8)) }

  /// The line that says what to run next: the words of a command, each quoted where a shell needs
  /// it.
  package static func next(_ words: String...) { next(words) }

  /// The same of words in a list.
  package static func next(_ words: [String]) {
    line("next: " + words.map(Readable.shellWord).joined(separator: " "))
  }

  /// Prints a value as indented JSON, for `--json`.
  package static func json(_ value: some Encodable) throws {
    write(try CanonicalJSON.printed(value))
  }

  /// A failure in one line, its exit code aside.
  package static func failure(_ failure: any LabFailure) {
    error(Readable.visible("error: \(failure)"))
  }

  /// One line on standard error.
  package static func error(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
  }

  /// Writes to standard output; ends the process where nobody can have the result.
  private static func write(_ data: Data) {
    do {
      try FileHandle.standardOutput.write(contentsOf: data)
    } catch {
      Output.error(
        "error: cannot write to standard output: \(FailureReason.text(error)); check free space and "
          + "permission where it goes, then run the command again")
      exit(ExitStatus.failure.rawValue)
    }
  }

  /// Prints a table line by line.
  package static func table(_ table: TextTable) { for row in table.lines { line(row) } }
}
