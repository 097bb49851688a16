import LabCore

/// Texts as trees for one pass: what begins alike is one row.
///
/// The rows of a tree stand in depth-first order, so that what follows a row is one stretch behind it.
struct TextTree {
  /// One token of a text, whose probability is read at the row before it.
  struct Reading {
    let row: Int32
    let target: Int32
    /// Number of the text among all that are read.
    let text: Int
  }

  /// Most rows of one tree, since attention compares each with all before it; longer texts are trees of their own.
  static let mostRows = 64
  /// Tokens that texts of one tree have in common at least: what begins all texts, or all of one first name, takes less
  /// time twice than larger trees take.
  private static let leastShared = 3

  private(set) var tokens: [Int32] = []
  private(set) var positions: [Int32] = []
  /// Where each tree begins; the number of rows at the end once `finish` was called.
  private(set) var offsets: [Int32] = []
  /// For each row where the stretch of those that see it ends.
  private(set) var ends: [Int32] = []
  private(set) var readings: [Reading] = []
  /// The newest text and the rows of its tokens.
  private var newest: ArraySlice<Int32> = []
  private(set) var path: [Int32] = []

  var rowCount: Int { tokens.count }
  var isEmpty: Bool { tokens.isEmpty }

  /// The pass over all rows.
  var batch: TokenBatch { TokenBatch(tokens: tokens, offsets: offsets, positions: positions) }

  /// Rows that a text would add.
  func newRows(for text: ArraySlice<Int32>) -> Int { text.count - (sharedInTree(text) ?? 0) }

  /// Adds the rows of a text, which must have a token; texts that come in lexicographic order share most.
  mutating func add(_ text: ArraySlice<Int32>) {
    let shared = sharedInTree(text)
    close(downTo: shared ?? 0)
    if shared == nil { offsets.append(Int32(tokens.count)) }
    for token in text.dropFirst(path.count) {
      positions.append(Int32(path.count))
      path.append(Int32(tokens.count))
      tokens.append(token)
      ends.append(0)
    }
    newest = text
  }

  /// Adds a text but its last token, which predicts nothing, and reads the probability of its tokens from `start` on.
  mutating func add(_ text: [Int32], readFrom start: Int, number: Int) {
    add(text.dropLast())
    for place in start..<text.count {
      readings.append(Reading(row: path[place - 1], target: text[place], text: number))
    }
  }

  /// Ends the newest tree; nothing is added any more.
  mutating func finish() {
    close(downTo: 0)
    offsets.append(Int32(tokens.count))
  }

  /// The rows that are read, ascending, and all readings in their order, each with the place of its row among them.
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

  /// Leading tokens of a text that have rows in the newest tree; nil where the text belongs into a tree of its own.
  private func sharedInTree(_ text: ArraySlice<Int32>) -> Int? {
    guard let start = offsets.last else { return nil }
    let count = zip(newest, text).prefix { $0 == $1 }.count
    let isWorthIt = count >= min(Self.leastShared, text.count)
    return isWorthIt && tokens.count - Int(start) + text.count - count <= Self.mostRows
      ? count : nil
  }

  private mutating func close(downTo depth: Int) {
    for row in path[depth...] { ends[Int(row)] = Int32(tokens.count) }
    path.removeSubrange(depth...)
  }
}
