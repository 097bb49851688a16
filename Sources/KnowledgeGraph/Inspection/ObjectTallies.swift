/// For every predicate and object: triples that are trained on, and those of invisible queries.
///
/// A flat array where all pairs that the types allow fit into memory, a dictionary where they do
/// not.
struct ObjectTallies {
  struct Counts {
    var trained: Int32 = 0
    var invisible: Int32 = 0
  }

  /// Pairs up to which the array is taken: 256 MiB.
  private static let largestArray = 1 << 25

  /// The place of each predicate's first object in `flat`, less that object's id.
  private let offsets: [Int]
  private let ranges: [Range<Int>]
  private var flat: [Counts]
  private var sparse: [[Int32: Counts]]
  private let isFlat: Bool

  /// `ranges` are the entities that can be an object of each predicate.
  init(_ ranges: [Range<Int>]) {
    self.ranges = ranges
    var offsets: [Int] = []
    var total = 0
    for range in ranges {
      offsets.append(total - range.lowerBound)
      total += range.count
    }
    self.offsets = offsets
    isFlat = total <= Self.largestArray
    flat = Array(repeating: Counts(), count: isFlat ? total : 0)
    sparse = Array(repeating: [:], count: isFlat ? 0 : ranges.count)
  }

  mutating func add(predicate: Int, object: Int32, isTrained: Bool, isInvisible: Bool) {
    if isFlat, ranges[predicate].contains(Int(object)) {
      let place = offsets[predicate] + Int(object)
      if isTrained { flat[place].trained += 1 } else if isInvisible { flat[place].invisible += 1 }
    } else if !isFlat {
      var counts = sparse[predicate][object] ?? Counts()
      if isTrained { counts.trained += 1 } else if isInvisible { counts.invisible += 1 }
      sparse[predicate][object] = counts
    }
  }

  /// Calls `body` with every object and its counts of the predicate, in no particular order.
  func forEachObject(of predicate: Int, _ body: (Int32, Counts) -> Void) {
    if isFlat {
      let range = ranges[predicate]
      for object in range {
        let counts = flat[offsets[predicate] + object]
        if counts.trained > 0 || counts.invisible > 0 { body(Int32(object), counts) }
      }
    } else {
      for (object, counts) in sparse[predicate] { body(object, counts) }
    }
  }
}
