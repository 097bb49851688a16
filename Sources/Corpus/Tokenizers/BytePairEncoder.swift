/// Applies learned merges to bytes: of all pairs the one learned first, of its places the leftmost,
/// again and again.
///
/// This is what Hugging Face's `BPE` does. Short pieces are scanned for each merge; long ones keep
/// their pairs in a heap, so that the time stays near linear.
struct BytePairEncoder: Sendable {
  private let ranks: TokenPairTable
  private let results: [Int32]
  /// Whether a merge has a space inside, so that a text cannot be cut before its spaces.
  private let crossesSpaces: Bool
  private let byteIDs = ByteAlphabet.ids

  /// Bytes of a piece above which pairs are kept in a heap: as many as `Scratch` holds.
  static let longPiece = 48

  init(merges: [BytePairTokenizer.Merge], bytes: [[UInt8]]) {
    var ranks = TokenPairTable()
    for (rank, merge) in merges.enumerated() {
      _ = ranks.insert(TokenPairTable.key(merge.left, merge.right), next: Int32(rank))
    }
    self.ranks = ranks
    results = merges.map(\.result)
    crossesSpaces = merges.contains { merge in
      bytes[Int(merge.result)].dropFirst().contains(0x20)
    }
  }

  /// Appends the tokens of a text.
  func encode(_ text: Span<UInt8>, into tokens: inout [Int32]) {
    var scratch = Scratch()
    var start = 0
    while start < text.count {
      var end = start + 1
      while end < text.count, crossesSpaces || text[end] != 0x20 { end += 1 }
      if end - start > Self.longPiece {
        encodeLong(start..<end, of: text, into: &tokens)
      } else {
        let count = encodeShort(start..<end, of: text, &scratch)
        for index in 0..<count { tokens.append(scratch.tokens[index]) }
      }
      start = end
    }
  }

  /// A short piece under way.
  private struct Scratch {
    var tokens = InlineArray<48, Int32>(repeating: 0)
    /// The rank of the pair that begins with each token but the last.
    var ranks = InlineArray<48, Int32>(repeating: 0)
  }

  private func rank(_ left: Int32, _ right: Int32) -> Int32 {
    ranks[TokenPairTable.key(left, right)] ?? .max
  }

  /// Leaves the tokens of a piece in `scratch` and returns how many there are.
  private func encodeShort(
    _ piece: Range<Int>, of text: Span<UInt8>, _ scratch: inout Scratch
  ) -> Int {
    // Pairs; tokens are one more.
    var count = 0
    var previous = byteIDs[Int(text[piece.lowerBound])]
    scratch.tokens[0] = previous
    for index in piece.dropFirst() {
      let token = byteIDs[Int(text[index])]
      scratch.ranks[count] = rank(previous, token)
      count += 1
      scratch.tokens[count] = token
      previous = token
    }
    while true {
      var best = Int32.max
      var place = 0
      for index in 0..<count where scratch.ranks[index] < best {
        best = scratch.ranks[index]
        place = index
      }
      guard best != .max else { return count + 1 }
      let merged = results[Int(best)]
      scratch.tokens[place] = merged
      count -= 1
      for index in place..<count {
        scratch.tokens[index + 1] = scratch.tokens[index + 2]
        scratch.ranks[index] = scratch.ranks[index + 1]
      }
      if place < count { scratch.ranks[place] = rank(merged, scratch.tokens[place + 1]) }
      if place > 0 { scratch.ranks[place - 1] = rank(scratch.tokens[place - 1], merged) }
    }
  }

  /// The same with linked neighbours; a heap entry is rank and place, and stale where the pair has
  /// changed.
  private func encodeLong(
    _ piece: Range<Int>, of text: Span<UInt8>, into tokens: inout [Int32]
  ) {
    let count = piece.count
    var own = piece.map { byteIDs[Int(text[$0])] }
    var next = (0..<count).map { $0 + 1 }
    var previous = (0..<count).map { $0 - 1 }
    var heap = BinaryHeap<UInt64>()
    func push(_ place: Int) {
      guard place >= 0, next[place] < count else { return }
      let rank = rank(own[place], own[next[place]])
      if rank != .max { heap.push(UInt64(rank) << 32 | UInt64(place)) }
    }
    for place in 0..<count { push(place) }
    while let entry = heap.pop() {
      let rank = Int32(entry >> 32)
      let place = Int(entry & 0xFFFF_FFFF)
      let after = next[place]
      // A token that was merged away is -1, which is in no pair.
      guard own[place] >= 0, after < count, self.rank(own[place], own[after]) == rank else {
        continue
      }
      own[place] = results[Int(rank)]
      own[after] = -1
      next[place] = next[after]
      if next[place] < count { previous[next[place]] = place }
      push(place)
      push(previous[place])
    }
    for token in own where token >= 0 { tokens.append(token) }
  }
}
