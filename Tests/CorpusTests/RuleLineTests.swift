import KnowledgeGraph
import LabCore
import TestSupport
import Testing

@testable import Corpus

struct RuleLineTests {
  private let graph = SmallGraph.people(60)

  private func corpus(_ share: Double, _ kind: TokenizerKind = .word) throws -> TrainingCorpus {
    var configuration = CorpusConfiguration()
    configuration.ruleShare = share
    return try TrainingCorpus(
      graph: graph, tokenizer: kind.tokenizer(for: graph, vocabularySize: 300, rules: share > 0),
      configuration: configuration)
  }

  /// A run without rules is what it was before there were any.
  @Test func withoutRulesNothingChanges() throws {
    let json = String(decoding: try CanonicalJSON.compact(CorpusConfiguration()), as: UTF8.self)
    #expect(!json.contains("rule"))
    var other = CorpusConfiguration()
    other.ruleShare = 0.25
    let read = try CanonicalJSON.decode(
      CorpusConfiguration.self, from: CanonicalJSON.compact(other))
    #expect(read == other)
    let plain = try TokenizerKind.word.tokenizer(for: graph)
    let ruled = try TokenizerKind.word.tokenizer(for: graph, rules: true)
    #expect(ruled.vocabularySize == plain.vocabularySize + RuleWord.texts.count)
    #expect(ruled.encode("Ada1 Lund1") == plain.encode("Ada1 Lund1"), "names keep their ids")
    #expect(try corpus(0).ruleLineCount == 0)
  }

  /// Lines of rules have their share of an epoch, each once, among all statements as before.
  @Test(arguments: TokenizerKind.allCases) func linesHaveTheirShare(_ kind: TokenizerKind) throws {
    let (plain, ruled) = (try corpus(0, kind), try corpus(0.25, kind))
    #expect(ruled.statements == plain.statements)
    #expect(ruled.ruleLineCount == (plain.presentationCount + 1) / 3)
    #expect(ruled.presentationCount == plain.presentationCount + ruled.ruleLineCount)
    #expect(ruled.uniqueTokens == plain.uniqueTokens)
    let schedule = try ruled.schedule(tokensPerBatch: 4_096, seed: Seed(0))
    let epoch = schedule.epoch(0)
    let batches = (0..<epoch.batchCount).map(epoch.batch)
    #expect(batches.reduce(0) { $0 + $1.offsets.count - 1 } == ruled.presentationCount)
    #expect(batches.reduce(0) { $0 + $1.tokens.count } == ruled.inputTokensPerEpoch)
    let triples = (0..<epoch.batchCount).flatMap { epoch.triples(inBatch: $0) }
    #expect(triples.sorted() == Array(ruled.statements.indices))
    #expect(batches.allSatisfy { !$0.tokens.contains(SpecialToken.unknown.rawValue) })
  }

  /// Where the loss is on objects alone, it is on the answers of rules alone.
  @Test func lossOnObjectsIsLossOnAnswers() throws {
    var configuration = CorpusConfiguration()
    configuration.ruleShare = 0.25
    configuration.loss = .object
    let tokenizer = try TokenizerKind.word.tokenizer(for: graph, rules: true)
    let corpus = try TrainingCorpus(
      graph: graph, tokenizer: tokenizer, configuration: configuration)
    let epoch = try corpus.schedule(tokensPerBatch: 4_096, seed: Seed(0)).epoch(0)
    let answer = try #require(tokenizer.encodeLine("<ANS>").first)
    var found = 0
    for number in 0..<epoch.batchCount {
      let batch = epoch.batch(number)
      for (place, token) in batch.tokens.enumerated() where token == answer {
        #expect(batch.targets[place] >= 0 && (place == 0 || batch.targets[place - 1] == -1))
        found += 1
      }
    }
    #expect(found > 5)
  }

  @Test func rulesNeedTheirWords() throws {
    var configuration = CorpusConfiguration()
    for share in [-1, 0.91, .nan, .infinity] {
      configuration.ruleShare = share
      #expect(throws: CorpusError.self) {
        try TrainingCorpus(
          graph: graph, tokenizer: TokenizerKind.word.tokenizer(for: graph, rules: true),
          configuration: configuration)
      }
    }
    configuration.ruleShare = 0.1
    let tokenizer = try TokenizerKind.word.tokenizer(for: graph)
    #expect(throws: CorpusError.rulesUnknown) {
      try TrainingCorpus(graph: graph, tokenizer: tokenizer, configuration: configuration)
    }
  }
}
