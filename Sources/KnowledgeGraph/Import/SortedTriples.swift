/// Triples in order of (subject, predicate, object): first by subject in one pass, then within
/// each.
struct SortedTriples {
  struct Row {
    var predicate: Int32
    var object: Int32
    var attribute: Int32

    fileprivate var key: UInt64 {
      UInt64(UInt32(bitPattern: predicate)) << 32 | UInt64(UInt32(bitPattern: object))
    }
  }

  /// Where the rows of each subject begin, and the end.
  private let starts: [Int]
  private var rows: [Row]
  /// For each attribute, whether it is that of a trained triple.
  private let isTrained: [Bool]

  /// Lines that repeat a triple with the same role.
  private(set) var repeatedCount = 0
  /// Held-out lines whose triple is trained on as well.
  private(set) var alsoTrainedCount = 0

  /// Takes the triples with the ids that `entityRank` and `predicateRank` give in place of theirs.
  init(
    _ entries: [TripleCollector.Entry], attributes: [TripleAttributes],
    entityRank: [Int32], predicateRank: [Int32]
  ) {
    isTrained = attributes.map(\.isTrained)
    var next = [Int](repeating: 0, count: entityRank.count + 1)
    for entry in entries { next[Int(entityRank[Int(entry.subject)]) + 1] += 1 }
    for index in 1..<max(1, next.count) { next[index] += next[index - 1] }
    starts = next
    rows = Array(
      repeating: Row(predicate: 0, object: 0, attribute: 0), count: entries.count)
    for entry in entries {
      let subject = Int(entityRank[Int(entry.subject)])
      rows[next[subject]] = Row(
        predicate: predicateRank[Int(entry.predicate)], object: entityRank[Int(entry.object)],
        attribute: entry.attribute)
      next[subject] += 1
    }
  }

  /// The rows of the next subjects, each triple once; nothing of a subject without any.
  ///
  /// Of copies of a triple a trained one stays, and of those the one with the earliest attributes.
  mutating func forEachSubject(_ body: (Int32, [Row]) throws -> Void) rethrows {
    var unique: [Row] = []
    for subject in 0..<max(0, starts.count - 1) {
      let range = starts[subject]..<starts[subject + 1]
      guard !range.isEmpty else { continue }
      sort(range)
      unique.removeAll(keepingCapacity: true)
      for index in range {
        let row = rows[index]
        guard let last = unique.last, last.key == row.key else {
          unique.append(row)
          continue
        }
        if isTrained[Int(last.attribute)] == isTrained[Int(row.attribute)] {
          repeatedCount += 1
        } else {
          alsoTrainedCount += 1
        }
      }
      try body(Int32(truncatingIfNeeded: subject), unique)
    }
  }

  private func precedes(_ a: Row, _ b: Row) -> Bool {
    if a.key != b.key { return a.key < b.key }
    let (first, second) = (isTrained[Int(a.attribute)], isTrained[Int(b.attribute)])
    return first == second ? a.attribute < b.attribute : first
  }

  private mutating func sort(_ range: Range<Int>) {
    guard range.count > 1 else { return }
    if range.count > 24 {
      for (offset, row) in rows[range].sorted(by: precedes).enumerated() {
        rows[range.lowerBound + offset] = row
      }
      return
    }
    for index in range.dropFirst() {
      let row = rows[index]
      var place = index
      while place > range.lowerBound, precedes(row, rows[place - 1]) {
        rows[place] = rows[place - 1]
        place -= 1
      }
      rows[place] = row
    }
  }
}
