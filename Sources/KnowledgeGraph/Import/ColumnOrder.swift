import LabCore

/// Which column of a triple file is which.
package struct ColumnOrder: Hashable, Sendable {
  let subject: Int
  let predicate: Int
  let object: Int

  package static let `default` = ColumnOrder(subject: 0, predicate: 1, object: 2)

  private init(subject: Int, predicate: Int, object: Int) {
    self.subject = subject
    self.predicate = predicate
    self.object = object
  }

  /// Reads "hrt" (head, relation, tail) or "spo" (subject, predicate, object) in any order.
  ///
  /// Throws `LabError` for anything else.
  package init(_ text: String) throws {
    let letters = Array(text.lowercased())
    for names in ["hrt", "spo"] where letters.sorted() == Array(names).sorted() {
      let order = names.compactMap { letters.firstIndex(of: $0) }
      self.init(subject: order[0], predicate: order[1], object: order[2])
      return
    }
    throw LabError(
      "--columns \(text): must name each of h, r and t once, in the order of the file, such as 'hrt'",
      .usage)
  }
}
