import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// The field `<X> x1 ... xk` of training lines.
@Suite struct SlotTests {
  private let graph = SampleGraph.uneven(60)

  private func corpora(
    _ slot: Slot, loss: LossScope = .all, kind: TokenizerKind = .word
  ) throws -> (plain: TrainingCorpus, slotted: TrainingCorpus) {
    let tokenizer = try kind.tokenizer(for: graph, vocabularySize: 300)
    var configuration = CorpusConfiguration(loss: loss)
    let plain = try TrainingCorpus(
      graph: graph, tokenizer: tokenizer, configuration: configuration)
    configuration.slot = slot
    let slotted = try TrainingCorpus(
      graph: graph, tokenizer: SlottedTokenizer(tokenizer), configuration: configuration)
    return (plain, slotted)
  }

  /// Each sequence of an epoch with its targets, in order.
  private func sequences(
    _ corpus: TrainingCorpus, epoch: Int
  ) throws -> [(tokens: [Int32], targets: [Int32])] {
    let epoch = try corpus.schedule(tokensPerBatch: 200, seed: Seed(5)).epoch(epoch)
    return (0..<epoch.batchCount).flatMap { step in
      let batch = epoch.batch(step)
      return zip(batch.offsets, batch.offsets.dropFirst()).map {
        (
          tokens: Array(batch.tokens[Int($0)..<Int($1)]),
          targets: Array(batch.targets[Int($0)..<Int($1)])
        )
      }
    }
  }

  /// A share of the lines has a field, and without it each line and each loss is that of a corpus
  /// without slots.
  @Test(
    arguments: [
      (SlotPlacement.suffix, LossScope.all), (.infix, .object), (.prefix, .all), (.any, .object),
    ])
  func fieldsAreAddedAndNothingElse(placement: SlotPlacement, loss: LossScope) throws {
    let (plain, slotted) = try corpora(
      Slot(share: 0.3, length: 4, placement: placement), loss: loss)
    let token = try #require(slotted.text.tokenizer.slotToken)
    var contents: Set<[Int32]> = []
    var places: Set<Int32> = []
    for epoch in 0..<2 {
      let found = try sequences(slotted, epoch: epoch)
      let bare = try sequences(plain, epoch: epoch)
      #expect(found.count == bare.count)
      #expect(found.reduce(0) { $0 + $1.tokens.count } == slotted.inputTokensPerEpoch)
      let count = found.count { $0.tokens.contains(token) }
      #expect(count == Int((0.3 * Double(plain.presentationCount)).rounded()))
      for (sequence, other) in zip(found, bare) {
        guard let place = sequence.tokens.firstIndex(of: token) else {
          #expect(sequence == other)
          continue
        }
        let field = place..<(place + 5)
        let text = Array(sequence.tokens[field.dropFirst()])
        #expect(text.allSatisfy { $0 > SpecialToken.end.rawValue && $0 < token })
        contents.insert(text)
        places.insert(sequence.tokens[field.upperBound])
        var (tokens, targets) = sequence
        #expect(targets[max(0, place - 1)..<(place + 4)].allSatisfy { $0 == -1 })
        tokens.removeSubrange(field)
        // What foretold the token after the field is gone; what the field's end foretells is it.
        targets.removeSubrange(max(0, place - 1)..<(max(0, place - 1) + 5))
        #expect(tokens == other.tokens && targets == other.targets)
      }
    }
    #expect(contents.count > 100)
    #expect(places.count == placement.positions.count)
    #expect(slotted.longestSequence == plain.longestSequence + 5)
  }

  @Test func theSameSeedGivesTheSameFields() throws {
    let slotted = try corpora(Slot(share: 1, length: 2)).slotted
    let first = try sequences(slotted, epoch: 3)
    #expect(try sequences(slotted, epoch: 3).map(\.tokens) == first.map(\.tokens))
    #expect(first.allSatisfy { $0.tokens.contains(slotted.text.tokenizer.slotToken ?? 0) })
  }

  @Test func aSettingThatCannotBeIsRefused() throws {
    expectFailure("needs a share above 0") { try corpora(Slot(share: 1.5)) }
    let tokenizer = SlottedTokenizer(try TokenizerKind.word.tokenizer(for: graph))
    var configuration = CorpusConfiguration(packing: .window)
    configuration.slot = Slot(share: 0.5)
    expectFailure("--packing isolated") {
      try TrainingCorpus(graph: graph, tokenizer: tokenizer, configuration: configuration)
    }
    configuration.packing = .isolated
    expectFailure("the token <X>") {
      try TrainingCorpus(
        graph: graph, tokenizer: TokenizerKind.word.tokenizer(for: graph),
        configuration: configuration)
    }
    let named = SampleGraph.make([("a <X> b", "p", "c", true)])
    expectFailure("contains <X>") {
      try TripleText(
        graph: named, tokenizer: SlottedTokenizer(TokenizerKind.word.tokenizer(for: named)))
    }
  }

  /// Without a slot the configuration is written as before there was one.
  @Test func whatIsWritten() throws {
    var configuration = CorpusConfiguration()
    #expect(
      !String(decoding: try CanonicalJSON.compact(configuration), as: UTF8.self).contains("slot"))
    configuration.slot = Slot(share: 0.25, length: 3, placement: .any)
    let data = try CanonicalJSON.compact(configuration)
    #expect(
      String(decoding: data, as: UTF8.self)
        .contains(#""slot":{"length":3,"position":"any","share":0.25}"#))
    #expect(try JSONDecoder().decode(CorpusConfiguration.self, from: data) == configuration)
  }

  /// A tokenizer with a slot has the others' ids, and comes back from its file.
  @Test(arguments: TokenizerKind.allCases)
  func tokenizerWithASlot(kind: TokenizerKind) throws {
    let folder = try TemporaryFolder()
    let plain = try kind.tokenizer(for: graph, vocabularySize: 300)
    let slotted = SlottedTokenizer(plain)
    let token = try #require(slotted.slotToken)
    try TokenizerFile.save(slotted, to: folder.url)
    let loaded = try TokenizerFile.load(from: folder.url)
    #expect(loaded.slotToken == token && Int(token) == plain.vocabularySize)
    #expect(loaded.vocabularySize == plain.vocabularySize + 1 && loaded.kind == kind)
    #expect(loaded.text(of: token) == "<X>" && loaded.decode([token]) == nil)
    for entity in graph.entities {
      #expect(loaded.encode(entity.name) == plain.encode(entity.name))
      #expect(loaded.decode(plain.encode(entity.name)) == entity.name)
    }
    #expect(try loaded.file.hash == slotted.file.hash)
    let name = folder["tokenizer.json"]
    let text = try String(contentsOf: name, encoding: .utf8)
    try Data(text.replacing("\"<X>\"", with: "\"<Y>\"").utf8).write(to: name)
    expectFailure("added_tokens[6].content") { try TokenizerFile.load(from: folder.url) }
  }

  @Test func textsThatAreReadOtherwiseAreRefused() throws {
    let pairs = SlottedTokenizer(
      try TokenizerKind.bpe.tokenizer(for: graph, vocabularySize: 300))
    func bytes(_ text: String) -> [Int32] { TokenizerKind.byteTokens(text) }
    #expect(pairs.isSlotText(pairs.encode("a city, 3")))
    for text in [" city", "city ", "a<O>b", "x<X>"] {
      #expect(!pairs.isSlotText(pairs.encode(text)))
    }
    #expect(pairs.encode("city") != bytes("city") && !pairs.isSlotText(bytes("city")))
    #expect(!pairs.isSlotText([SpecialToken.object.rawValue]))
    #expect(!pairs.isSlotText([pairs.slotToken ?? 0]))
    let words = SlottedTokenizer(try TokenizerKind.word.tokenizer(for: graph))
    let range = Int32(SpecialToken.allCases.count)..<Int32(words.vocabularySize - 1)
    #expect(range.allSatisfy { words.isSlotText([$0, range.lowerBound]) })
  }
}

extension TokenizerKind {
  /// The tokens of a text's bytes, which `bpe` and `byte` share.
  fileprivate static func byteTokens(_ text: String) -> [Int32] {
    BytePairTokenizer.ofBytes.encode(text)
  }
}
