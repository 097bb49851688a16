/// Learns byte-pair merges: the most frequent pair of neighbours becomes one token, again and again.
///
/// Each different word is kept once with its count. Counts of pairs are kept up to date instead of made
/// anew, so the cost of a merge is that of the words it changes.
struct BytePairTrainer {
  private(set) var merges: [BytePairTokenizer.Merge] = []
  private(set) var bytes: [[UInt8]]
  private var ids: [[UInt8]: Int32]
  /// The tokens of all words; those of a word are at the front of its place, which was its bytes'.
  private var symbols: [Int32] = []
  private var starts: [Int] = [0]
  private var lengths: [Int32] = []
  private var wordCounts: [Int] = []
  /// Numbers of pairs, which index what follows.
  private var pairs = PairTable()
  private var pairCounts: [Int] = []
  /// Words that have, or once had, a pair; with repeats.
  private var wordsOfPair: [[Int32]] = []
  private var candidates = BinaryHeap<Candidate>()
  private var merged: Set<UInt64> = []
  /// Pairs that the merge under way has made, each once.
  private var changed: [(pair: UInt64, number: Int)] = []
  /// For each pair the merge that made it last, counted from 1.
  private var stamps: [Int] = []
  private var stamp = 0

  /// A pair with what its count was: by falling count, then rising ids.
  private struct Candidate: Comparable {
    let pair: UInt64
    let count: Int

    static func < (a: Candidate, b: Candidate) -> Bool {
      a.count != b.count ? a.count > b.count : a.pair < b.pair
    }
  }

  init(names: [(name: String, count: Int)]) {
    bytes =
      SpecialToken.allCases.map { _ in [] } + ByteAlphabet.order.map { [$0] }
    ids = [:]
    for (id, spelled) in bytes.enumerated() where !spelled.isEmpty { ids[spelled] = Int32(id) }
    addWords(of: names)
    var present: [UInt64] = []
    for word in wordCounts.indices {
      let tokens = starts[word]..<(starts[word] + Int(lengths[word]))
      for index in tokens.dropLast() {
        let pair = PairTable.key(symbols[index], symbols[index + 1])
        let number = number(of: pair)
        if number == present.count { present.append(pair) }
        pairCounts[number] += wordCounts[word]
        wordsOfPair[number].append(Int32(word))
      }
    }
    for (number, pair) in present.enumerated() {
      candidates.push(Candidate(pair: pair, count: pairCounts[number]))
    }
  }

  /// The different pieces of all names, a name being cut before each space.
  private mutating func addWords(of names: [(name: String, count: Int)]) {
    var words = ByteStrings()
    let byteIDs = ByteAlphabet.ids
    for (name, count) in names {
      let view = name.utf8
      let text = view.span
      var start = 0
      while start < text.count {
        var end = start + 1
        while end < text.count, text[end] != 0x20 { end += 1 }
        let word = words.insert(start..<end, in: text)
        if word == wordCounts.count {
          wordCounts.append(0)
          for index in start..<end { symbols.append(byteIDs[Int(text[index])]) }
          lengths.append(Int32(end - start))
          starts.append(symbols.count)
        }
        wordCounts[word] += count
        start = end
      }
    }
  }

  private mutating func number(of pair: UInt64) -> Int {
    let number = Int(pairs.insert(pair, next: Int32(pairCounts.count)))
    if number == pairCounts.count {
      pairCounts.append(0)
      wordsOfPair.append([])
      stamps.append(0)
    }
    return number
  }

  /// Merges until `bytes` has `vocabularySize` tokens or no pair occurs twice.
  mutating func run(vocabularySize: Int) {
    while bytes.count < vocabularySize, let candidate = candidates.pop() {
      let current = pairs[candidate.pair].map { pairCounts[Int($0)] } ?? 0
      if current != candidate.count {
        if current > 1 { candidates.push(Candidate(pair: candidate.pair, count: current)) }
      } else if candidate.count > 1 {
        merge(candidate.pair)
      }
    }
  }

  private mutating func merge(_ pair: UInt64) {
    let left = Int32(truncatingIfNeeded: pair >> 32)
    let right = Int32(truncatingIfNeeded: pair)
    let merge = BytePairTokenizer.Merge(
      left: left, right: right, result: token(for: bytes[Int(left)] + bytes[Int(right)]))
    // A merge that makes an existing token can bring back a pair that was merged before.
    if merged.insert(pair).inserted { merges.append(merge) }
    let number = number(of: pair)
    let words = wordsOfPair[number]
    wordsOfPair[number] = []
    stamp += 1
    changed.removeAll(keepingCapacity: true)
    for word in words { rewrite(Int(word), with: merge) }
    pairCounts[number] = 0
    for (pair, number) in changed where pairCounts[number] > 1 {
      candidates.push(Candidate(pair: pair, count: pairCounts[number]))
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

  /// Applies a merge to one word, from the left, and notes the pairs that are new in it.
  private mutating func rewrite(_ word: Int, with merge: BytePairTokenizer.Merge) {
    let start = starts[word]
    let count = Int(lengths[word])
    var isHit = false
    for index in start..<(start + count - 1)
    where symbols[index] == merge.left && symbols[index + 1] == merge.right {
      isHit = true
      break
    }
    guard isHit else { return }
    for index in start..<(start + count - 1) {
      let number = number(of: PairTable.key(symbols[index], symbols[index + 1]))
      pairCounts[number] -= wordCounts[word]
    }
    var target = start
    var source = start
    while source < start + count {
      if source + 1 < start + count, symbols[source] == merge.left,
        symbols[source + 1] == merge.right
      {
        symbols[target] = merge.result
        source += 2
      } else {
        symbols[target] = symbols[source]
        source += 1
      }
      target += 1
    }
    lengths[word] = Int32(target - start)
    for index in start..<(target - 1) {
      let pair = PairTable.key(symbols[index], symbols[index + 1])
      let number = number(of: pair)
      pairCounts[number] += wordCounts[word]
      guard symbols[index] == merge.result || symbols[index + 1] == merge.result else { continue }
      wordsOfPair[number].append(Int32(word))
      if stamps[number] != stamp {
        stamps[number] = stamp
        changed.append((pair, number))
      }
    }
  }
}
