/// Learns byte-pair merges: the most frequent pair of neighbours becomes one token, again and
/// again.
///
/// Each different word is kept once with its count. The places of pairs and their counts are kept
/// up to date instead of made anew, so the cost of a merge is that of the places it changes,
/// however long the words are. No merge spells a special token: names that are, or hold, such a
/// text are spelled in smaller pieces.
struct BytePairTrainer {
  private(set) var merges: [BytePairTokenizer.Merge] = []
  private(set) var bytes: [[UInt8]]
  private var ids: [[UInt8]: Int32]
  /// The tokens of all words, each at the place of its first byte; `gone` at the others.
  private var symbols: [Int32] = []
  /// The places of the neighbours of each token in its word; `gone` at the word's ends.
  private var next: [Int32] = []
  private var previous: [Int32] = []
  /// The word of each place.
  private var words: [Int32] = []
  private var wordCounts: [Int] = []
  /// Numbers of pairs, which index what follows.
  private var pairs = TokenPairTable()
  private var pairCounts: [Int] = []
  /// Places that a pair begins at, or once began at; with repeats.
  private var placesOfPair: [[Int32]] = []
  private var candidates = BinaryHeap<Candidate>()
  private var merged: Set<UInt64> = []
  private let specialTexts = Set(SpecialToken.allCases.map { Array($0.text.utf8) })
  private static let gone: Int32 = -1
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
    bytes = ByteAlphabet.tokens
    ids = [:]
    for (id, spelled) in bytes.enumerated() where !spelled.isEmpty { ids[spelled] = Int32(id) }
    addWords(of: names)
    var present: [UInt64] = []
    for place in symbols.indices where next[place] != Self.gone {
      let pair = TokenPairTable.key(symbols[place], symbols[place + 1])
      let number = number(of: pair)
      if number == present.count { present.append(pair) }
      pairCounts[number] += wordCounts[Int(words[place])]
      placesOfPair[number].append(Int32(place))
    }
    for (number, pair) in present.enumerated() {
      candidates.push(Candidate(pair: pair, count: pairCounts[number]))
    }
  }

  /// The different pieces of all names, a name being cut before each space.
  private mutating func addWords(of names: [(name: String, count: Int)]) {
    var different = ByteStrings()
    let byteIDs = ByteAlphabet.ids
    for (name, count) in names {
      let view = name.utf8
      let text = view.span
      var start = 0
      while start < text.count {
        var end = start + 1
        while end < text.count, text[end] != 0x20 { end += 1 }
        let word = different.insert(start..<end, in: text)
        if word == wordCounts.count {
          wordCounts.append(0)
          for index in start..<end {
            let place = Int32(symbols.count)
            symbols.append(byteIDs[Int(text[index])])
            previous.append(index == start ? Self.gone : place - 1)
            next.append(index == end - 1 ? Self.gone : place + 1)
            words.append(Int32(word))
          }
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
      placesOfPair.append([])
      stamps.append(0)
    }
    return number
  }

  /// Merges until `bytes` has `vocabularySize` tokens or no pair occurs twice.
  ///
  /// Throws `CorpusError.interrupted` when `shouldStop` says so.
  mutating func run(vocabularySize: Int, shouldStop: () -> Bool) throws(CorpusError) {
    while bytes.count < vocabularySize, let candidate = candidates.pop() {
      if shouldStop() { throw .interrupted }
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
    let spelled = bytes[Int(left)] + bytes[Int(right)]
    guard !specialTexts.contains(spelled) else { return }
    let merge = BytePairTokenizer.Merge(left: left, right: right, result: token(for: spelled))
    // A merge that makes an existing token can bring back a pair that was merged before.
    if merged.insert(pair).inserted { merges.append(merge) }
    let number = number(of: pair)
    let places = placesOfPair[number].sorted()
    placesOfPair[number] = []
    stamp += 1
    changed.removeAll(keepingCapacity: true)
    for place in places { apply(merge, number, at: Int(place)) }
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

  /// Applies a merge, whose pair has this number, at a place if the pair is still there.
  private mutating func apply(
    _ merge: BytePairTokenizer.Merge, _ number: Int, at place: Int
  ) {
    let right = Int(next[place])
    guard right >= 0, symbols[place] == merge.left, symbols[right] == merge.right else { return }
    let count = wordCounts[Int(words[place])]
    let (before, after) = (Int(previous[place]), Int(next[right]))
    if before >= 0 { pairCounts[self.number(of: pair(before, place))] -= count }
    if after >= 0 { pairCounts[self.number(of: pair(right, after))] -= count }
    pairCounts[number] -= count
    symbols[place] = merge.result
    symbols[right] = Self.gone
    next[right] = Self.gone
    next[place] = Int32(after)
    if before >= 0 { add(before, place, count) }
    if after >= 0 {
      previous[after] = Int32(place)
      add(place, after, count)
    }
  }

  /// The pair of the tokens at two places.
  private func pair(_ left: Int, _ right: Int) -> UInt64 {
    TokenPairTable.key(symbols[left], symbols[right])
  }

  /// Counts a pair that the merge under way has made.
  private mutating func add(_ left: Int, _ right: Int, _ count: Int) {
    let pair = pair(left, right)
    let number = number(of: pair)
    pairCounts[number] += count
    placesOfPair[number].append(Int32(left))
    guard stamps[number] != stamp else { return }
    stamps[number] = stamp
    changed.append((pair, number))
  }
}
