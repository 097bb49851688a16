/// Learns byte-pair merges: the most frequent pair of neighbours becomes one token, again and again.
///
/// Counts are kept up to date instead of made anew, so the cost of a merge is that of the words it changes.
struct BytePairTrainer {
  private(set) var merges: [BytePairTokenizer.Merge] = []
  private(set) var bytes: [[UInt8]]
  private var ids: [[UInt8]: Int32]
  private var words: [[Int32]] = []
  private var wordCounts: [Int] = []
  private var pairCounts: [UInt64: Int] = [:]
  /// Words that have, or once had, a pair; with repeats.
  private var wordsOfPair: [UInt64: [Int32]] = [:]
  private var candidates = PairQueue()
  private var merged: Set<UInt64> = []

  init(names: [(name: String, count: Int)]) {
    bytes =
      SpecialToken.allCases.map { _ in [] } + ByteAlphabet.order.map { [$0] }
    ids = [:]
    for (id, spelled) in bytes.enumerated() where !spelled.isEmpty { ids[spelled] = Int32(id) }
    var places: [[UInt8]: Int] = [:]
    for (name, count) in names {
      for piece in Self.pieces(of: Array(name.utf8)) {
        if let place = places[piece] {
          wordCounts[place] += count
        } else {
          places[piece] = words.count
          words.append(piece.map { ByteAlphabet.ids[Int($0)] })
          wordCounts.append(count)
        }
      }
    }
    for (place, word) in words.enumerated() {
      for index in word.indices.dropLast() {
        add(wordCounts[place], to: Self.key(word[index], word[index + 1]), in: place)
      }
    }
    for (pair, count) in pairCounts { candidates.push(pair: pair, count: count) }
  }

  /// Merges until `bytes` has `vocabularySize` tokens or no pair occurs twice.
  mutating func run(vocabularySize: Int) {
    while bytes.count < vocabularySize, let (pair, count) = candidates.pop() {
      let current = pairCounts[pair] ?? 0
      if current != count {
        if current > 1 { candidates.push(pair: pair, count: current) }
      } else if count > 1 {
        merge(pair)
      }
    }
  }

  /// A pair of ids as one number whose order is that of the pair.
  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private mutating func merge(_ pair: UInt64) {
    let left = Int32(truncatingIfNeeded: pair >> 32)
    let right = Int32(truncatingIfNeeded: pair)
    let merge = BytePairTokenizer.Merge(
      left: left, right: right, result: token(for: bytes[Int(left)] + bytes[Int(right)]))
    // A merge that makes an existing token can bring back a pair that was merged before.
    if merged.insert(pair).inserted { merges.append(merge) }
    var changed: Set<UInt64> = []
    for place in wordsOfPair.removeValue(forKey: pair) ?? [] {
      changed.formUnion(rewrite(Int(place), with: merge))
    }
    pairCounts[pair] = nil
    for pair in changed {
      if let count = pairCounts[pair], count > 1 { candidates.push(pair: pair, count: count) }
    }
  }

  /// The token spelled by `spelled`, new unless another merge has made it already.
  private mutating func token(for spelled: [UInt8]) -> Int32 {
    if let id = ids[spelled] { return id }
    let id = Int32(bytes.count)
    ids[spelled] = id
    bytes.append(spelled)
    return id
  }

  /// Applies a merge to one word and returns the pairs that are new in it.
  private mutating func rewrite(_ place: Int, with merge: BytePairTokenizer.Merge) -> [UInt64] {
    let before = words[place]
    BytePairTokenizer.apply(merge, to: &words[place])
    let after = words[place]
    guard after.count < before.count else { return [] }
    for index in before.indices.dropLast() {
      pairCounts[Self.key(before[index], before[index + 1]), default: 0] -= wordCounts[place]
    }
    var fresh: [UInt64] = []
    for index in after.indices.dropLast() {
      let pair = Self.key(after[index], after[index + 1])
      pairCounts[pair, default: 0] += wordCounts[place]
      guard after[index] == merge.result || after[index + 1] == merge.result else { continue }
      wordsOfPair[pair, default: []].append(Int32(place))
      fresh.append(pair)
    }
    return fresh
  }

  private mutating func add(_ count: Int, to pair: UInt64, in place: Int) {
    pairCounts[pair, default: 0] += count
    wordsOfPair[pair, default: []].append(Int32(place))
  }

  /// A name cut before each space.
  private static func pieces(of name: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    for byte in name {
      if byte == 0x20 || pieces.isEmpty { pieces.append([]) }
      pieces[pieces.count - 1].append(byte)
    }
    return pieces
  }
}

/// Pairs by falling count, then rising ids: a binary heap.
struct PairQueue {
  private var heap: [(pair: UInt64, count: Int)] = []

  mutating func push(pair: UInt64, count: Int) {
    heap.append((pair, count))
    var child = heap.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> (pair: UInt64, count: Int)? {
    guard let last = heap.indices.last else { return nil }
    heap.swapAt(0, last)
    let top = heap.removeLast()
    var parent = 0
    while true {
      var first = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if precedes(child, first) { first = child }
      }
      if first == parent { return top }
      heap.swapAt(parent, first)
      parent = first
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    heap[a].count != heap[b].count ? heap[a].count > heap[b].count : heap[a].pair < heap[b].pair
  }
}
