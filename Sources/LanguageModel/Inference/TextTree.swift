import LabCore

/// Texts as trees for one pass: what begins alike is one row.
///
/// The rows of a tree stand in depth-first order, so that what follows a row is one stretch behind
/// it.
struct TextTree {
  /// One token of a text, whose probability is read at the row before it.
  struct Reading {
    let row: Int32
    let target: Int32
    /// Number of the text among all that are read.
    let text: Int
  }

  /// Most rows of one tree, since attention compares each with all before it; longer texts are
  /// trees of their own.
  static let mostRows = 64
  /// Tokens that texts of one tree have in common at least: what begins all texts, or all of one
  /// first name, takes less time twice than larger trees take.
  private static let leastShared = 3

  private(set) var tokens: [Int32] = []
  private(set) var positions: [Int32] = []
  /// Where each tree begins; the number of rows at the end once `finish` was called.
  private(set) var offsets: [Int32] = []
  /// For each row where the stretch of those that see it ends.
  private(set) var ends: [Int32] = []
  private(set) var readings: [Reading] = []
  /// The newest text that has rows, and the rows of its tokens.
  private var newest: [Int32] = []
  private(set) var path: [Int32] = []

  var isEmpty: Bool { tokens.isEmpty }

  /// The pass over all rows.
  var batch: TokenBatch { TokenBatch(tokens: tokens, offsets: offsets, positions: positions) }

  /// Adds the rows of the first `count` tokens of a text, at least one; whether all trees stay
  /// within `limit` rows, or else nothing is added.
  ///
  /// Texts that come in lexicographic order share most.
  mutating func add(_ text: [Int32], count: Int, limit: Int) -> Bool {
    let shared = sharedInTree(text, count)
    guard tokens.count + count - (shared ?? 0) <= limit else { return false }
    close(downTo: shared ?? 0)
    if shared == nil { offsets.append(Int32(tokens.count)) }
    newest.removeSubrange(path.count...)
    for place in path.count..<count {
      positions.append(Int32(place))
      path.append(Int32(tokens.count))
      newest.append(text[place])
      tokens.append(text[place])
      ends.append(0)
    }
    return true
  }

  /// The same without the last token, which predicts nothing; the probabilities of tokens from
  /// `start` on are read.
  mutating func add(_ text: [Int32], readFrom start: Int, number: Int, limit: Int) -> Bool {
    guard add(text, count: text.count - 1, limit: limit) else { return false }
    for place in start..<text.count {
      readings.append(Reading(row: path[place - 1], target: text[place], text: number))
    }
    return true
  }

  /// Ends the newest tree; nothing is added any more.
  mutating func finish() {
    close(downTo: 0)
    offsets.append(Int32(tokens.count))
  }

  /// The rows that are read, ascending, and all readings in their order, each with the place of its
  /// row among them.
  func inOrderOfRows() -> (rows: [Int32], readings: [(place: Int, reading: Reading)]) {
    var counts = [Int](repeating: 0, count: tokens.count + 1)
    for reading in readings { counts[Int(reading.row) + 1] += 1 }
    var rows: [Int32] = []
    var places = [Int](repeating: 0, count: tokens.count)
    for row in tokens.indices where counts[row + 1] > 0 {
      places[row] = rows.count
      rows.append(Int32(row))
    }
    for row in tokens.indices { counts[row + 1] += counts[row] }
    var order = [Int](repeating: 0, count: readings.count)
    for (index, reading) in readings.enumerated() {
      order[counts[Int(reading.row)]] = index
      counts[Int(reading.row)] += 1
    }
    return (rows, order.map { (places[Int(readings[$0].row)], readings[$0]) })
  }

  /// How many of the first tokens of a text have rows in the newest tree; nil where the text begins
  /// another.
  private func sharedInTree(_ text: [Int32], _ count: Int) -> Int? {
    guard let start = offsets.last else { return nil }
    var shared = 0
    while shared < min(count, newest.count), newest[shared] == text[shared] { shared += 1 }
    let isWorthIt = shared >= min(Self.leastShared, count)
    return isWorthIt && tokens.count - Int(start) + count - shared <= Self.mostRows ? shared : nil
  }

  private mutating func close(downTo depth: Int) {
    for row in path[depth...] { ends[Int(row)] = Int32(tokens.count) }
    path.removeSubrange(depth...)
  }
}
