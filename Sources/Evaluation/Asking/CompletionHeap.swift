/// The unfinished texts of a search, likeliest first.
struct CompletionHeap {
  /// A text that may go on.
  struct Prefix {
    let tokens: [Int32]
    let logProbability: Double

    /// Likelier first; equally likely ones in the order of their tokens.
    func precedes(_ other: Prefix) -> Bool {
      logProbability == other.logProbability
        ? tokens.lexicographicallyPrecedes(other.tokens) : logProbability > other.logProbability
    }
  }

  private var items: [Prefix] = []

  var first: Prefix? { items.first }

  mutating func push(_ prefix: Prefix) {
    items.append(prefix)
    var child = items.count - 1
    while child > 0, items[child].precedes(items[(child - 1) / 2]) {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Prefix? {
    guard let top = items.first else { return nil }
    items.swapAt(0, items.count - 1)
    items.removeLast()
    var parent = 0
    while true {
      var best = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < items.count && items[child].precedes(items[best]) { best = child }
      if best == parent { return top }
      items.swapAt(parent, best)
      parent = best
    }
  }
}
