import Corpus
import Foundation
import LabCore
import TestSupport
import Testing

/// Values made by Hugging Face `tokenizers` 0.23.3.
///
/// `BpeTrainer(min_frequency=2, special_tokens=..., initial_alphabet=ByteLevel.alphabet())` was
/// given each name `count` times, cut by `Split(" ", "merged_with_next")` and then `ByteLevel`
/// without its pattern.
@Suite struct BytePairTests {
  static let names: [(name: String, count: Int)] = [
    ("Ada Lovelace", 3), ("Alan Turing", 2), ("Emmy Noether", 2), ("London", 4), ("Erlangen", 2),
    ("mathematics", 2), ("poetry", 1), ("born in", 5), ("field", 3), ("Ada Byron", 1),
    ("banana bandana", 2), ("aaaa aaab", 3), ("École Émile", 2), ("a  b", 1),
  ]

  static let expected: [Int: [[Int32]]] = [
    300: [
      [282, 299], [38, 278, 226, 57, 90, 87, 265, 76], [42, 82, 82, 94, 226, 51, 289, 276, 87],
      [283], [42, 87, 278, 76, 74, 83], [279, 276, 279, 78, 72, 88], [85, 289, 87, 94],
      [270, 269], [296], [282, 226, 39, 94, 87, 264], [274, 281, 226, 274, 73, 281], [293, 298],
      [280, 72, 84, 277, 226, 280, 82, 78, 277], [70, 226, 226, 71],
    ],
    320: [
      [282, 299], [300, 318, 314, 76], [301, 312, 317, 276, 87], [283], [302, 278, 309],
      [279, 276, 279, 311], [85, 289, 87, 94], [270, 269], [296], [282, 226, 39, 94, 87, 264],
      [319, 315, 307], [293, 298], [280, 305, 277, 316, 313], [70, 226, 226, 71],
    ],
    400: [
      [282, 299], [300, 331], [325, 330], [283], [326], [332], [85, 289, 87, 94], [270, 269],
      [296], [282, 226, 39, 94, 87, 264], [319, 328], [293, 298], [333, 329],
      [70, 226, 226, 71],
    ],
  ]

  @Test(arguments: [300, 320, 400])
  func trainingGivesTheVocabularyOfAnIndependentTrainer(size: Int) throws {
    let tokenizer = try BytePairTokenizer(trainedOn: Self.names, vocabularySize: size)
    #expect(tokenizer.vocabularySize == min(size, 334))
    let expected = try #require(Self.expected[size])
    for (name, tokens) in zip(Self.names.map(\.name), expected) {
      #expect(tokenizer.encode(name) == tokens)
    }
    #expect(tokenizer.text(of: 299) == "␣Lovelace")
    #expect(tokenizer.text(of: 280) == "É")
  }

  @Test func noTokenHasASpaceInside() throws {
    let tokenizer = try BytePairTokenizer(
      trainedOn: [("a b", 90), ("a b a b", 90)], vocabularySize: 300)
    #expect(tokenizer.vocabularySize == 264)
    #expect((262..<264).map { tokenizer.text(of: $0) } == ["␣b", "␣a"])
  }

  @Test func trainingStopsWhereNoPairOccursTwice() throws {
    let tokenizer = try BytePairTokenizer(
      trainedOn: [("abc", 1), ("def", 1)], vocabularySize: 300)
    #expect(tokenizer.vocabularySize == 262)
    #expect(tokenizer.encode("abc") == BytePairTokenizer.ofBytes.encode("abc"))
  }

  /// Of all merges the one learned first, at its leftmost place: written as plainly as can be.
  private func plainly(_ text: String, _ merges: [[Int32]]) -> [Int32] {
    var tokens = BytePairTokenizer.ofBytes.encode(text)
    while true {
      let pairs = zip(tokens, tokens.dropFirst()).map { [$0, $1] }
      let ranks = pairs.map { pair in merges.firstIndex { Array($0.prefix(2)) == pair } ?? .max }
      guard let best = ranks.min(), best < .max, let place = ranks.firstIndex(of: best) else {
        return tokens
      }
      tokens.replaceSubrange(place...(place + 1), with: [merges[best][2]])
    }
  }

  /// Short pieces are scanned, long ones are merged by a heap; both as the plain way has it.
  @Test func longAndShortPiecesAreMergedInTheSameOrder() throws {
    var random = Seed(8).stream("test/pieces")
    func word(_ length: Int) -> String {
      String((0..<length).map { _ in ["a", "b", "ab", "c", "é", "aa"][random.below(6)] }.joined())
    }
    let names = (0..<60).map { _ in (name: "\(word(6)) \(word(9))", count: 1 + random.below(4)) }
    let tokenizer = try BytePairTokenizer(trainedOn: names, vocabularySize: 320)
    let (vocabulary, pairs) = try contents(of: tokenizer)
    // Pairs of tokens and what they become.
    let merges = pairs.map { pair in
      [pair[0], pair[1], pair[0] + pair[1]].map { Int32(vocabulary[$0] ?? -1) }
    }
    #expect(merges.count > 40)
    for length in [1, 2, 5, 20, 30, 40, 47, 48, 49, 50, 80, 200] {
      for _ in 0..<4 {
        let text = word(length) + " " + word(3)
        #expect(tokenizer.encode(text) == plainly(text, merges))
        #expect(tokenizer.decode(tokenizer.encode(text)) == text)
      }
    }
    #expect(tokenizer.encode("") == [])
  }

  /// The vocabulary and the merges in a tokenizer's file.
  private func contents(
    of tokenizer: BytePairTokenizer
  ) throws -> (vocabulary: [String: Int], merges: [[String]]) {
    let folder = try TemporaryFolder()
    try TokenizerFile.save(tokenizer, to: folder.url)
    let model = try #require(folder.object(TokenizerFile.name)["model"] as? [String: Any])
    return (
      try #require(model["vocab"] as? [String: Int]), try #require(model["merges"] as? [[String]])
    )
  }

  /// Merges learned as plainly as can be: for each the pairs of all words are counted anew.
  private func learnedPlainly(
    _ names: [(name: String, count: Int)], alphabet: [String: Int], size: Int
  ) -> [[String]] {
    let letters = Dictionary(uniqueKeysWithValues: alphabet.map { (Int32($1), $0) })
    var words: [(tokens: [String], count: Int)] = names.flatMap { name, count in
      name.split(separator: " ", omittingEmptySubsequences: false).enumerated().map {
        let word = ($0 == 0 ? "" : " ") + $1
        return (BytePairTokenizer.ofBytes.encode(word).map { letters[$0] ?? "?" }, count)
      }
    }
    var ids = alphabet
    var learned: [[String]] = []
    while ids.count < size {
      var counts: [[String]: Int] = [:]
      for (tokens, count) in words {
        for pair in zip(tokens, tokens.dropFirst()) where alphabet[pair.0 + pair.1] == nil {
          counts[[pair.0, pair.1], default: 0] += count
        }
      }
      let best = counts.filter { $0.value > 1 }.min { one, other in
        let left = [-one.value] + one.key.map { ids[$0] ?? 0 }
        return left.lexicographicallyPrecedes([-other.value] + other.key.map { ids[$0] ?? 0 })
      }
      guard let pair = best?.key else { break }
      ids[pair[0] + pair[1]] = ids[pair[0] + pair[1]] ?? ids.count
      if !learned.contains(pair) { learned.append(pair) }
      for index in words.indices {
        var tokens: [String] = []
        var rest = words[index].tokens[...]
        while let first = rest.popFirst() {
          let isPair = first == pair[0] && rest.first == pair[1]
          tokens.append(isPair ? first + rest.removeFirst() : first)
        }
        words[index].tokens = tokens
      }
    }
    return learned
  }

  @Test(arguments: 0..<6)
  func mergesAreThoseOfThePlainAlgorithm(seed: UInt64) throws {
    var random = Seed(seed).stream("test/merges")
    let pieces = [["a", "b"], ["a", "aa", "aaaa"], ["<S>", "<", "S", ">", " ", "é"]][Int(seed) % 3]
    let names = (0..<20).map { _ in
      let name = (0..<(1 + random.below(40))).map { _ in pieces[random.below(pieces.count)] }
      return (name: name.joined(), count: 1 + random.below(3))
    }
    let tokenizer = try BytePairTokenizer(trainedOn: names, vocabularySize: 340)
    let (vocabulary, merges) = try contents(of: tokenizer)
    #expect(!merges.isEmpty)
    #expect(
      merges
        == learnedPlainly(names, alphabet: vocabulary.filter { $0.value < 262 }, size: 340))
    for (name, _) in names { #expect(tokenizer.decode(tokenizer.encode(name)) == name) }
  }

  /// A merge that spelled a special token would give two tokens one text.
  @Test(arguments: ["<pad>", "<unk>", "<S>", "<P>", "<O>", "<E>"])
  func namesMayBeSpecialTokens(name: String) throws {
    let names = [(name: name, count: 9), (name: "\(name)\(name) x\(name)", count: 9)]
    let tokenizer = try BytePairTokenizer(trainedOn: names, vocabularySize: 400)
    let (vocabulary, _) = try contents(of: tokenizer)
    #expect(vocabulary.count == tokenizer.vocabularySize)
    for (text, _) in names {
      #expect(tokenizer.encode(text).allSatisfy { $0 >= 6 })
      #expect(tokenizer.decode(tokenizer.encode(text)) == text)
    }
  }

  /// A name as long as a line of input may be, of one letter and of many.
  @Test func longNamesTakeTimeInLineWithTheirLength() throws {
    var random = Seed(1).stream("test/long")
    let letters = Array("abcdefgh")
    let long = String((0..<400_000).map { _ in letters[random.below(8)] })
    let clock = ContinuousClock()
    let time = try clock.measure {
      for name in [String(repeating: "A", count: 1 << 20), long] {
        let tokenizer = try BytePairTokenizer(trainedOn: [(name, 1)], vocabularySize: 1024)
        #expect(tokenizer.decode(tokenizer.encode(name)) == name)
      }
    }
    #expect(time < .seconds(60), "\(time)")
  }

  @Test func learningAnswersToAnInterruption() {
    #expect(throws: CorpusError.interrupted) {
      try BytePairTokenizer(trainedOn: Self.names, vocabularySize: 300, shouldStop: { true })
    }
  }
}
