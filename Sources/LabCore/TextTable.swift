import Foundation

/// A table of text with aligned columns, two spaces apart: some begin at the left, the others end
/// at the right.
package struct TextTable: Sendable {
  private var rows: [[String]]
  private let left: Set<Int>

  /// A table without rows; columns outside `left` are aligned to the right.
  package init(_ header: [String], left: Set<Int> = [0]) {
    rows = [header]
    self.left = left
  }

  /// Adds a row; what of it a terminal would obey is shown instead.
  package mutating func add(_ row: [String]) { rows.append(row.map(Readable.visible)) }

  /// The header and the rows, without spaces at their ends.
  package var lines: [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return left.contains(column) ? row[column] + padding : padding + row[column]
      }
      let line = cells.joined(separator: "  ")
      let end = line.lastIndex { $0 != " " }.map(line.index(after:))
      return String(line[..<(end ?? line.startIndex)])
    }
  }

  /// The lines as one text.
  package var text: String { lines.map { $0 + "\n" }.joined() }
}
