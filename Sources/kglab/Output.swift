import Foundation
import LabCore

/// Results on standard output, messages on standard error.
enum Output {
  /// One line; what of it a terminal would obey is shown instead.
  static func line(_ text: String = "") { write(Data((Readable.visible(text) + "\n").utf8)) }

  /// The line that says what to run next: the words of a command, each quoted where a shell needs it.
  static func next(_ words: String...) { next(words) }

  static func next(_ words: [String]) {
    line("next: " + words.map(Readable.shellWord).joined(separator: " "))
  }

  /// Prints a value as indented JSON, for `--json`.
  static func json(_ value: some Encodable) throws {
    write(try CanonicalJSON.printed(value))
  }

  /// A failure in one line, its exit code aside.
  static func failure(_ failure: any LabFailure) { error(Readable.visible("error: \(failure)")) }

  static func error(_ text: String) {
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

  /// "12,345".
  static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (offset, digit) in digits.enumerated() {
      if offset > 0, (digits.count - offset) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return value < 0 ? "-" + text : text
  }

  /// "12.3 %", or "-" where there is no value.
  static func percent(_ share: Double?) -> String {
    share.map { String(format: "%.1f %%", 100 * $0) } ?? "-"
  }

  /// "1.2 to 3.4" of two shares in per cent, or "-" where there is no interval.
  static func interval(
    _ lower: Double?, _ upper: Double?, _ format: String = "%.1f", scale: Double = 100
  ) -> String {
    guard let lower, let upper else { return "-" }
    return "\(String(format: format, scale * lower)) to \(String(format: format, scale * upper))"
  }

  /// Four significant digits without exponent for everyday sizes: "0.1203", "41.5", "1200".
  static func number(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    return String(format: abs(value) >= 1000 ? "%.0f" : "%.4g", value)
  }
}

/// A table of text with aligned columns: the first one to the left, the others to the right.
struct TextTable {
  private let header: [String]
  private var rows: [[String]] = []
  private let leftColumns: Int

  init(_ header: [String], leftColumns: Int = 1) {
    self.header = header
    self.leftColumns = leftColumns
  }

  mutating func add(_ row: [String]) { rows.append(row.map(Readable.visible)) }

  var lines: [String] {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column < leftColumns ? row[column] + padding : padding + row[column]
      }
      return cells.joined(separator: "  ").trimmingCharacters(in: .newlines)
    }
  }

  func print() { for line in lines { Output.line(line) } }
}
