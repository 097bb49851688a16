package import Foundation

/// Comma-separated values by RFC 4180.
package enum CSV {
  /// A header line of column names, then the rows; lines end with CR LF, the text is UTF-8.
  ///
  /// Numbers have the shortest digits that read back as the same number; missing values are empty.
  package static func text(_ records: Records) -> String {
    let header = records.columns.map { field($0.name) }
    let lines = [header] + records.rows.map { row in row.map { field($0.plain) } }
    return lines.map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  /// The same as bytes.
  package static func data(_ records: Records) -> Data { Data(text(records).utf8) }

  private static func field(_ text: String) -> String {
    let needsQuotes =
      text.unicodeScalars.contains { $0 == "," || $0 == "\"" || $0 == "\r" || $0 == "\n" }
      || text.first == " " || text.last == " "
    guard needsQuotes else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
