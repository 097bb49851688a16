import LabCore

/// Rows under named columns, in the order in which they were added.
package struct Records: Hashable, Sendable {
  package let columns: [Column]
  package private(set) var rows: [[Cell]]

  /// Rows under `columns`; every row must have one cell for each column.
  package init(_ columns: [Column], _ rows: [[Cell]] = []) {
    self.columns = columns
    self.rows = []
    rows.forEach { append($0) }
  }

  /// Adds one row; it must have one cell for each column.
  package mutating func append(_ row: [Cell]) {
    precondition(row.count == columns.count, "a row needs one cell for each column")
    rows.append(row)
  }

  /// Where the column called `name` stands; nil when there is none.
  package func index(of name: String) -> Int? { columns.firstIndex { $0.name == name } }

  /// Where a column stands, or an error that names what asked for it.
  func requiredIndex(of name: String, for user: String) throws(ReportError) -> Int {
    guard let index = index(of: name) else {
      throw .columnUnknown(name: name, in: user, known: columns.map(\.name))
    }
    return index
  }

  /// The different values of a column as text, in order of first appearance; missing ones left out.
  func values(inColumn index: Int) -> [String] {
    var seen = Set<String>()
    return rows.compactMap { row in
      guard row[index] != .missing else { return nil }
      let text = row[index].plain
      return seen.insert(text).inserted ? text : nil
    }
  }
}
