import LabCore

/// Which column of a triple file is which.
package struct ColumnOrder: Hashable, Sendable {
  let subject: Int
  let predicate: Int
  let object: Int
  /// How many columns a line has, those to be skipped included.
  let count: Int

  package static let `default` = ColumnOrder(subject: 0, predicate: 1, object: 2, count: 3)

  private static let words = [
    ["s", "subject", "h", "head"], ["p", "predicate", "r", "relation"],
    ["o", "object", "t", "tail"],
  ]

}

extension ColumnOrder {
  /// Reads "hrt" (head, relation, tail) or "s,p,o,_" (subject, predicate, object, a column to
  /// skip).
  ///
  /// Throws `LabError` for anything else.
  package init(_ text: String) throws {
    let items =
      text.contains(",")
      ? text.lowercased().split(separator: ",", omittingEmptySubsequences: false).map {
        String($0).filter { $0 != " " }
      } : text.lowercased().map(String.init)
    let places = Self.words.map { names in items.indices.filter { names.contains(items[$0]) } }
    let known = places.reduce(0) { $0 + $1.count } + items.count { $0 == "_" }
    guard known == items.count, places.allSatisfy({ $0.count == 1 }) else {
      throw LabError(
        "--columns \(text): must name each of h, r and t (or s, p and o) once, in the order of the "
          + "file, and _ for each column to skip, such as 'hrt' or 's,p,o,_'", .usage)
    }
    self.init(
      subject: places[0][0], predicate: places[1][0], object: places[2][0], count: items.count)
  }
}
