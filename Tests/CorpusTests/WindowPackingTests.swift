import Corpus
import KnowledgeGraph
import LabCore
import Testing

@Suite struct WindowPackingTests {
  private func schedule(
    _ graph: KnowledgeGraph, window: Int, batch: Int, loss: LossScope = .all
  ) throws -> BatchSchedule {
    let corpus = try TrainingCorpus(
      graph: graph, tokenizer: TokenizerKind.word.tokenizer(for: graph),
      configuration: CorpusConfiguration(packing: .window, loss: loss, windowLength: window))
    return try corpus.schedule(tokensPerBatch: batch, seed: Seed(9))
  }

  @Test func windowsOfTwoTriplesByHand() throws {
    let graph = SampleGraph.make([("a", "p", "b", true), ("c", "p", "d", true)])
    // Ids: a 6, b 7, c 8, d 9, p 10; the line is two triples of 7 tokens, 13 inputs.
    let schedule = try schedule(graph, window: 5, batch: 100)
    let first: [Int32] = [2, 6, 3, 10, 4, 7, 5]
    let second: [Int32] = [2, 8, 3, 10, 4, 9, 5]
    let epoch = schedule.epoch(0)
    let line = epoch.triples(inBatch: 0) == [0, 1] ? first + second : second + first
    let batch = epoch.batch(0)
    #expect(batch.tokens == Array(line.dropLast()))
    #expect(batch.targets == Array(line.dropFirst()))
    #expect(batch.offsets == [0, 5, 10, 13])
    #expect(batch.positions == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2])

    let objects = try self.schedule(graph, window: 5, batch: 100, loss: .object).epoch(0).batch(0)
    #expect(
      objects.targets == [-1, -1, -1, -1, line[5], 5, -1, -1, -1, -1, -1, line[12], 5])
  }

  @Test(arguments: [1, 7, 64, 10_000])
  func windowsSayTheSameAsTheLine(window: Int) throws {
    let schedule = try schedule(SampleGraph.large(30), window: window, batch: 130 + 2 * window)
    let corpus = schedule.corpus
    #expect(corpus.inputTokensPerEpoch == corpus.uniqueTokens - 1)
    let epoch = schedule.epoch(1)
    let batches = (0..<epoch.batchCount).map { epoch.batch($0) }
    let whole = try corpus.schedule(tokensPerBatch: 1_000_000, seed: Seed(9)).epoch(1)
    let line = whole.triples(inBatch: 0).flatMap {
      corpus.text.sequence(of: corpus.statements[$0].triple)
    }
    #expect(batches.flatMap(\.tokens) == Array(line.dropLast()))
    #expect(batches.flatMap(\.targets) == Array(line.dropFirst()))
    #expect(batches.map(\.sequenceCount).reduce(0, +) == corpus.sequenceCount)
    #expect(batches.allSatisfy { (1..<(130 + 3 * window)).contains($0.tokens.count) })
    for batch in batches {
      for (start, end) in zip(batch.offsets, batch.offsets.dropFirst()) {
        #expect(Array(batch.positions[Int(start)..<Int(end)]) == Array(0..<(end - start)))
        #expect(Int(end - start) <= window)
      }
    }
  }
}
