import LabCore

/// Prompts and the texts that may follow them, as trees for one pass: what begins alike is one row.
///
/// The rows of a tree stand in depth-first order, so that what follows a row is one stretch behind it. The last
/// token of a text predicts nothing and is no row.
struct CompletionTree {
  /// One token of a completion, whose probability is read at a row.
  struct Reading {
    let row: Int32
    let target: Int32
    /// Number of the completion among all that are scored.
    let completion: Int
  }

  private(set) var tokens: [Int32] = []
  private(set) var positions: [Int32] = []
  /// Where each tree begins, and the number of rows at the end.
  private(set) var offsets: [Int32] = [0]
  /// For each row where the stretch of those that see it ends.
  private(set) var ends: [Int32] = []
  private(set) var readings: [Reading] = []
  private var prompt: [Int32] = []
  /// The newest completion, and the rows of all its tokens but the last.
  private var newest: [Int32] = []
  private var path: [Int32] = []

  var rowCount: Int { tokens.count }
  var isEmpty: Bool { tokens.isEmpty }

  /// Rows of the newest tree.
  var rowsOfTree: Int { tokens.count - Int(offsets[offsets.count - 1]) }

  /// Rows that a completion would add to the newest tree, whose prompt it must follow.
  func newRows(for completion: [Int32]) -> Int { completion.count - 1 - shared(with: completion) }

  /// Begins a tree with the rows of its prompt, which must have a token.
  mutating func begin(_ prompt: [Int32]) {
    self.prompt = prompt
    for (place, token) in prompt.enumerated() { addRow(token, position: place) }
  }

  /// Adds a completion of the newest tree; they must come in lexicographic order.
  mutating func add(_ completion: [Int32], number: Int) {
    let common = shared(with: completion)
    close(downTo: common)
    for place in common..<completion.count - 1 {
      path.append(Int32(tokens.count))
      addRow(completion[place], position: prompt.count + place)
    }
    let root = offsets[offsets.count - 1] + Int32(prompt.count) - 1
    for (place, target) in completion.enumerated() {
      readings.append(
        Reading(row: place == 0 ? root : path[place - 1], target: target, completion: number))
    }
    newest = completion
  }

  /// Ends the newest tree.
  mutating func end() {
    close(downTo: 0)
    let start = Int(offsets[offsets.count - 1])
    for row in start..<start + prompt.count { ends[row] = Int32(tokens.count) }
    offsets.append(Int32(tokens.count))
    newest = []
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

  private mutating func addRow(_ token: Int32, position: Int) {
    tokens.append(token)
    positions.append(Int32(position))
    ends.append(0)
  }

  /// Tokens at the start of a completion that have rows already.
  private func shared(with completion: [Int32]) -> Int {
    var count = 0
    while count < path.count, count < completion.count - 1, newest[count] == completion[count] {
      count += 1
    }
    return count
  }

  private mutating func close(downTo depth: Int) {
    for row in path[depth...] { ends[Int(row)] = Int32(tokens.count) }
    path.removeSubrange(depth...)
  }
}
