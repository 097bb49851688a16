import Corpus
import KnowledgeGraph
import LabCore
import Testing

@Suite struct TrainingCorpusTests {
  private func corpus(
    _ graph: KnowledgeGraph, _ configuration: CorpusConfiguration = CorpusConfiguration(),
    kind: TokenizerKind = .word
  ) throws -> TrainingCorpus {
    try TrainingCorpus(
      graph: graph, tokenizer: kind.tokenizer(for: graph), configuration: configuration)
  }

  @Test func countsOfATinyGraphByHand() throws {
    let corpus = try corpus(SampleGraph.people)
    // 9 + 8 + 9 + 9 tokens: Ada born in London, Ada field mathematics, Alan and Emmy born in ...
    #expect(corpus.statements.count == 4)
    #expect(corpus.sequenceCount == 4)
    #expect(corpus.uniqueTokens == 35)
    #expect(corpus.inputTokensPerEpoch == 31)
    #expect(corpus.longestSequence == 8)
    #expect(corpus.index(of: corpus.statements[2].triple) == 2)
    #expect(corpus.index(of: Triple(subject: 0, predicate: 1, object: 3)) == nil)
  }

  @Test func aBatchOfATinyGraphByHand() throws {
    let corpus = try corpus(SampleGraph.people)
    let schedule = try corpus.schedule(tokensPerBatch: 31, seed: Seed(1))
    #expect(schedule.stepsPerEpoch == 1)
    let epoch = schedule.epoch(0)
    let batch = epoch.batch(0)
    #expect(batch.sequenceCount == 4)
    for (sequence, triple) in epoch.triples(inBatch: 0).enumerated() {
      let range = Int(batch.offsets[sequence])..<Int(batch.offsets[sequence + 1])
      let text = corpus.text.sequence(of: corpus.statements[triple].triple)
      #expect(Array(batch.tokens[range]) == text.dropLast())
      #expect(Array(batch.targets[range]) == Array(text.dropFirst()))
      #expect(Array(batch.positions[range]) == Array(0..<Int32(range.count)))
    }
    #expect(batch.lossCount == 31)
    #expect(Set(epoch.triples(inBatch: 0)) == [0, 1, 2, 3])
  }

  @Test func lossOnTheObjectKeepsObjectAndEndOnly() throws {
    let graph = SampleGraph.make([("a b", "p", "c d e", true)])
    let corpus = try corpus(graph, CorpusConfiguration(loss: .object))
    let batch = try corpus.schedule(tokensPerBatch: 100, seed: Seed(1)).epoch(0).batch(0)
    // <S> a b <P> p <O> c d e: names sorted are "a b", "c d e", "p".
    #expect(batch.tokens == [2, 6, 7, 3, 11, 4, 8, 9, 10])
    #expect(batch.targets == [-1, -1, -1, -1, -1, 8, 9, 10, 5])
    #expect(batch.offsets == [0, 9])
    #expect(batch.positions == [0, 1, 2, 3, 4, 5, 6, 7, 8])
    #expect(batch.lossCount == 4)
  }

  @Test(arguments: [1, 2, 3, 7])
  func everyTripleIsPresentedExactlyOnceAnEpoch(seed: UInt64) throws {
    let corpus = try corpus(SampleGraph.large(150))
    for tokensPerBatch in [24, 64, 500, 100_000] {
      let schedule = try corpus.schedule(tokensPerBatch: tokensPerBatch, seed: Seed(seed))
      let steps = (corpus.inputTokensPerEpoch + tokensPerBatch - 1) / tokensPerBatch
      #expect(schedule.stepsPerEpoch == steps)
      for number in 0..<3 {
        let epoch = schedule.epoch(number)
        #expect(epoch.batchCount == steps)
        #expect(
          (0..<steps).flatMap { epoch.triples(inBatch: $0) }.sorted()
            == Array(corpus.statements.indices))
        let batches = (0..<steps).map { epoch.batch($0) }
        let sizes = batches.map(\.tokens.count)
        #expect(sizes.reduce(0, +) == corpus.inputTokensPerEpoch)
        #expect(sizes.allSatisfy { $0 > 0 && $0 < tokensPerBatch + corpus.longestSequence })
      }
    }
  }

  @Test func theOrderIsAFunctionOfSeedAndEpoch() throws {
    let graph = SampleGraph.large(60)
    let schedule = try corpus(graph).schedule(tokensPerBatch: 64, seed: Seed(5))
    let again = try corpus(graph).schedule(tokensPerBatch: 64, seed: Seed(5))
    let other = try corpus(graph).schedule(tokensPerBatch: 64, seed: Seed(6))
    // Asked for in another order, or twice, an epoch is the same.
    #expect(schedule.epoch(1).batch(3) == again.epoch(1).batch(3))
    #expect(schedule.epoch(0).batch(0) == again.epoch(0).batch(0))
    #expect(schedule.epoch(1).batch(3) == schedule.epoch(1).batch(3))
    #expect(schedule.epoch(0).batch(0) != schedule.epoch(1).batch(0))
    #expect(schedule.epoch(0).batch(0) != other.epoch(0).batch(0))
  }

  @Test(arguments: Packing.allCases)
  func stepsAndTriplesAgree(packing: Packing) throws {
    let corpus = try corpus(
      SampleGraph.large(40), CorpusConfiguration(packing: packing, windowLength: 25))
    let schedule = try corpus.schedule(tokensPerBatch: 70, seed: Seed(2))
    let epoch = schedule.epoch(4)
    for triple in corpus.statements.indices {
      let holding = (0..<epoch.batchCount).filter { epoch.triples(inBatch: $0).contains(triple) }
      #expect(epoch.steps(ofTriple: triple).flatMap { Array($0) } == holding)
      #expect(packing == .window || holding.count == 1)
    }
  }

  @Test func exposuresGrowByOneAnEpochAtTheTriplesStep() throws {
    let corpus = try corpus(SampleGraph.large(20))
    let schedule = try corpus.schedule(tokensPerBatch: 64, seed: Seed(2))
    let steps = schedule.stepsPerEpoch
    for triple in [0, 7, 39] {
      let step = try #require(schedule.epoch(2).steps(ofTriple: triple).first).lowerBound
      #expect(schedule.exposures(ofTriple: triple, after: 0) == 0)
      #expect(schedule.exposures(ofTriple: triple, after: 2 * steps) == 2)
      #expect(schedule.exposures(ofTriple: triple, after: 2 * steps + step) == 2)
      #expect(schedule.exposures(ofTriple: triple, after: 2 * steps + step + 1) == 3)
      #expect(schedule.exposures(ofTriple: triple, after: 3 * steps) == 3)
    }
  }

  @Test func lanesPartTheBatchIntoWholeSequences() throws {
    let corpus = try corpus(SampleGraph.large(50))
    let batch = try corpus.schedule(tokensPerBatch: 300, seed: Seed(2)).epoch(0).batch(0)
    for count in [1, 2, 3, 8] {
      let lanes = batch.lanes(count)
      #expect(lanes.count == count)
      #expect(lanes.flatMap { Array($0) } == Array(0..<batch.sequenceCount))
      let sizes = lanes.map { batch.offsets[$0.upperBound] - batch.offsets[$0.lowerBound] }
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) < 2 * Int32(corpus.longestSequence))
    }
  }

  @Test func impossibleSettingsAreNamed() throws {
    let graph = SampleGraph.people
    #expect(throws: CorpusError.fractionOutOfRange(0)) {
      try corpus(graph, CorpusConfiguration(fraction: 0))
    }
    #expect(throws: CorpusError.fractionOutOfRange(1.5)) {
      try corpus(graph, CorpusConfiguration(fraction: 1.5))
    }
    #expect(throws: CorpusError.windowTooShort(0)) {
      try corpus(graph, CorpusConfiguration(packing: .window, windowLength: 0))
    }
    let hidden = SampleGraph.make([("a", "b", "c", false)])
    #expect(throws: CorpusError.empty(fraction: 1)) { try corpus(hidden) }
    let error = #expect(throws: CorpusError.self) {
      try corpus(graph).schedule(tokensPerBatch: 15, seed: Seed(1))
    }
    #expect(
      error?.description
        == "a batch of 15 tokens is too small: the triple (Ada Lovelace, born in, London) has 8 "
        + "input tokens, and a batch must hold two of the longest; use at least 16")
    #expect(error?.exitStatus == .usage)
  }
}
