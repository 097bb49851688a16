import LabCore
import Testing

@Suite struct TokenBatchTests {
  private func batch(_ lengths: [Int]) -> TokenBatch {
    var batch = TokenBatch()
    for length in lengths {
      let tokens = Array(Int32(6)..<Int32(6 + length))
      batch.append(tokens: tokens, targets: [-1] + tokens.dropFirst().map { $0 + 1 })
    }
    return batch
  }

  @Test func sequencesAreBackToBack() {
    let batch = batch([2, 3])
    #expect(batch.tokens == [6, 7, 6, 7, 8])
    #expect(batch.targets == [-1, 8, -1, 8, 9])
    #expect(batch.offsets == [0, 2, 5])
    #expect(batch.positions == [0, 1, 0, 1, 2])
    #expect(batch.sequenceCount == 2)
    #expect(batch.lossCount == 3)
    #expect(TokenBatch().sequenceCount == 0)
  }

  @Test func lanesByHand() {
    // A lane ends with the sequence that reaches its share of the tokens.
    #expect(batch([4, 4, 4, 4]).lanes(2) == [0..<2, 2..<4])
    #expect(batch([4, 4, 4, 4]).lanes(4) == [0..<1, 1..<2, 2..<3, 3..<4])
    #expect(batch([1, 1, 10]).lanes(2) == [0..<3, 3..<3])
    #expect(batch([10, 1, 1]).lanes(2) == [0..<1, 1..<3])
    #expect(batch([5]).lanes(3) == [0..<1, 1..<1, 1..<1])
    #expect(TokenBatch().lanes(2) == [0..<0, 0..<0])
    #expect(batch([3, 3]).lanes(0) == [0..<2])
  }

  @Test func lanesPartitionTheSequences() {
    var random = Seed(1).stream("test/lanes")
    for _ in 0..<50 {
      let lengths = (0..<random.below(40)).map { _ in 1 + random.below(9) }
      let batch = batch(lengths)
      for count in 1...9 {
        let lanes = batch.lanes(count)
        #expect(lanes.count == count)
        #expect(lanes.flatMap { Array($0) } == Array(0..<lengths.count))
        let share = Double(batch.tokens.count) / Double(count)
        for lane in lanes {
          let tokens = Double(lengths[lane].reduce(0, +))
          #expect(abs(tokens - share) <= 9)
        }
      }
    }
  }
}
