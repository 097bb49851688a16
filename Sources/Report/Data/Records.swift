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

  /// Where a column stands that a figure was given by name.
  func requiredIndex(of name: String) -> Int {
    guard let index = index(of: name) else { preconditionFailure("no column is named '\(name)'") }
    return index
  }

  /// The different values of a column as text, missing ones left out.
  ///
  /// Numbers ascend where all are numbers; otherwise the order is that of first appearance.
  func values(inColumn index: Int) -> [String] {
    var seen = Set<String>()
    let cells = rows.map { $0[index] }
      .filter { $0 != .missing && seen.insert($0.plain).inserted }
    let numbers = cells.compactMap { cell in cell.finite.map { (value: $0, text: cell.plain) } }
    guard numbers.count == cells.count else { return cells.map(\.plain) }
    return numbers.sorted { $0.value < $1.value }.map(\.text)
  }
}
