package import Foundation

/// A table of text by RFC 4180: a header line, then rows.
package struct CSVTable: Hashable, Sendable {
  package let columns: [String]
  package private(set) var rows: [[String]] = []
  /// The number in the file of each row, from 1.
  private var numbers: [Int] = []
  private let name: String

  /// Reads a file.
  ///
  /// Throws `LabError` where it is missing, no text, or a row has another number of fields than the
  /// header.
  package init(_ file: URL) throws {
    guard let data = try? Data(contentsOf: file) else {
      throw LabError("\(file.relativePath) cannot be read; give a CSV file")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw LabError("\(file.relativePath) is no text in UTF-8; give a CSV file")
    }
    try self.init(text, name: file.relativePath)
  }

  /// Reads text; `name` is what messages call it.
  package init(_ text: String, name: String) throws {
    // Some programs put a byte-order mark first.
    var records = Self.records(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
    guard let header = records.first else { throw LabError("\(name) is empty; give a CSV file") }
    columns = header.map { $0.trimmingCharacters(in: .whitespaces) }
    self.name = name
    records.removeFirst()
    for (index, record) in records.enumerated() {
      guard record.count == header.count else {
        throw LabError(
          "\(name): row \(index + 1) has \(record.count) fields and the header \(header.count); mend the row"
        )
      }
      rows.append(record)
      numbers.append(index + 1)
    }
  }

  /// What messages call a row: the file and its number there, without the header.
  package func place(ofRow row: Int) -> String { "\(name): row \(numbers[row])" }

  /// The table without the rows that have another value in a column; equal numbers are equal
  /// however they are written.
  ///
  /// Throws `LabError` where there is no such column, or no such row.
  package func rows(where column: String, is value: String) throws -> CSVTable {
    let place = try place(of: column)
    var table = self
    let kept = rows.indices.filter { row in
      let text = rows[row][place]
      return text == value || Double(text).map { $0 == Double(value) } ?? false
    }
    table.rows = kept.map { rows[$0] }
    table.numbers = kept.map { numbers[$0] }
    guard !table.rows.isEmpty else {
      let present = Set(rows.map { $0[place] }).sorted().prefix(8).joined(separator: ", ")
      throw LabError("\(name) has no row with \(column) '\(value)'; it has \(present)")
    }
    return table
  }

  /// The table with the rows that meet every condition "column=value" of an option; `example` shows
  /// how one is written.
  package func rows(
    meeting conditions: [String], of option: String, example: String
  ) throws -> CSVTable {
    try conditions.reduce(self) { table, condition in
      let parts = condition.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw LabError("\(option) '\(condition)' is no column=value, such as \(example)", .usage)
      }
      return try table.rows(where: String(parts[0]), is: String(parts[1]))
    }
  }

  private func place(of column: String) throws -> Int {
    guard let place = columns.firstIndex(of: column) else {
      throw LabError(
        "\(name) has no column '\(column)'" + Suggestion.hint(for: column, in: columns))
    }
    return place
  }

  /// The numbers of a column, nil where a field is empty.
  ///
  /// Throws `LabError` naming the columns there are, or the row whose field is no number.
  package func numbers(_ column: String) throws -> [Double?] {
    let place = try place(of: column)
    return try rows.enumerated().map { index, row in
      let text = row[place].trimmingCharacters(in: .whitespaces)
      if text.isEmpty { return nil }
      guard let value = Double(text), value.isFinite else {
        throw LabError("\(self.place(ofRow: index)) has '\(text)' as \(column), which is no number")
      }
      return value
    }
  }

  private static func records(_ text: String) -> [[String]] {
    var records: [[String]] = []
    var record: [String] = []
    var field = ""
    var isQuoted = false
    func endRecord() {
      record.append(field)
      field = ""
      if record != [""] { records.append(record) }
      record = []
    }
    var scalars = text.unicodeScalars.makeIterator()
    var next = scalars.next()
    while let scalar = next {
      next = scalars.next()
      switch scalar {
      case "\"" where isQuoted && next == "\"":
        field.append("\"")
        next = scalars.next()
      case "\"": isQuoted.toggle()
      case ",", "\r", "\n":
        if isQuoted {
          field.unicodeScalars.append(scalar)
        } else if scalar == "," {
          record.append(field)
          field = ""
        } else if scalar == "\n" {
          endRecord()
        }
      default: field.unicodeScalars.append(scalar)
      }
    }
    if !field.isEmpty || !record.isEmpty { endRecord() }
    return records
  }
}
