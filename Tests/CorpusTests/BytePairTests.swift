import Corpus
import Testing

/// Values made by Hugging Face `tokenizers` 0.23.3.
///
/// `BpeTrainer(min_frequency=2, special_tokens=..., initial_alphabet=ByteLevel.alphabet())` was given
/// each name `count` times, cut by `Split(" ", "merged_with_next")` and then `ByteLevel` without its pattern.
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
    #expect(tokenizer.encode("abc") == ByteTokenizer().encode("abc"))
  }
}
