import Corpus
import KnowledgeGraph
import LabCore
import Testing

@Suite struct TokenizerTests {
  /// Names that are hard to keep: several scripts, combining marks, emoji, spaces, control
  /// characters.
  static let hardNames = [
    "a", "Émilie du Châtelet", "e\u{301}clair", "東京", "🧑🏽‍🔬 lab", "a  b", " a", "a ", "\t\n\"\\'",
    "\u{0}", "<S>", "a<E>b", "\u{200D}", "\u{FEFF}x", "ﷺ", String(repeating: "aab", count: 40),
  ]

  private static let trained: BytePairTokenizer? = try? BytePairTokenizer(
    trainedOn: hardNames.map { ($0, 2) }, vocabularySize: 300)

  /// Random strings of scalars from all planes.
  private func randomNames(_ count: Int) -> [String] {
    var random = Seed(3).stream("test/names")
    return (0..<count).map { _ in
      var scalars = String.UnicodeScalarView()
      for _ in 0...random.below(12) {
        let limit = [0x80, 0x800, 0x1_0000, 0x11_0000][random.below(4)]
        scalars.append(Unicode.Scalar(UInt32(random.below(limit))) ?? " ")
      }
      return String(scalars)
    }
  }

  @Test func byteLevelTokenizersRoundTripAnyUnicode() throws {
    let bpe = try #require(Self.trained)
    for tokenizer in [BytePairTokenizer.ofBytes, bpe] as [any Tokenizer] {
      for name in Self.hardNames + randomNames(300) {
        let tokens = tokenizer.encode(name)
        let decoded = try #require(tokenizer.decode(tokens))
        #expect(Array(decoded.utf8) == Array(name.utf8))
        #expect(tokens.allSatisfy { $0 >= 6 && Int($0) < tokenizer.vocabularySize })
      }
    }
  }

  @Test func differentBytesHaveDifferentTokens() throws {
    let bpe = try #require(Self.trained)
    let names = Set((Self.hardNames + randomNames(300)).map { Array($0.utf8) })
    for tokenizer in [BytePairTokenizer.ofBytes, bpe] as [any Tokenizer] {
      let spelled = Set(names.map { tokenizer.encode(String(decoding: $0, as: UTF8.self)) })
      #expect(spelled.count == names.count)
    }
  }

  @Test func byteIdsAreInTheOrderOfTheAlphabet() {
    let tokenizer = BytePairTokenizer.ofBytes
    #expect(tokenizer.vocabularySize == 262)
    // '!' is the first printable character, '~' the 94th; then Latin-1 from 0xA1, then 0x00 and on.
    #expect(tokenizer.encode("!~") == [6, 99])
    #expect(tokenizer.encode("\u{0} \u{7F}") == [194, 226, 227])
    #expect(tokenizer.text(of: 6) == "!")
    #expect(tokenizer.text(of: 226) == "␣")
    #expect(tokenizer.text(of: 194) == "<00>")
    #expect(tokenizer.text(of: 2) == "<S>")
    #expect(tokenizer.text(of: 262) == "<262?>")
  }

  @Test func specialTokensAndBrokenBytesAreNoName() throws {
    let word = try WordTokenizer(names: ["a b"])
    let bpe = try #require(Self.trained)
    for tokenizer in [word, BytePairTokenizer.ofBytes, bpe] as [any Tokenizer] {
      for special in SpecialToken.allCases {
        #expect(tokenizer.decode([6, special.rawValue]) == nil)
      }
      #expect(tokenizer.decode([Int32(tokenizer.vocabularySize)]) == nil)
      #expect(tokenizer.decode([-1]) == nil)
      #expect(tokenizer.decode([]) == "")
    }
    let half = BytePairTokenizer.ofBytes.encode("é").dropLast()
    #expect(BytePairTokenizer.ofBytes.decode(half) == nil)
    #expect(bpe.decode(half) == nil)
  }

  @Test func wordsAreNumberedByFirstAppearanceInSortedNames() throws {
    let tokenizer = try WordTokenizer(names: ["b a", "c", "a d", "a"])
    #expect((6..<10).map { tokenizer.text(of: Int32($0)) } == ["a", "d", "b", "c"])
    #expect(tokenizer.encode("b a d") == [8, 6, 7])
    #expect(tokenizer.decode([8, 6, 7]) == "b a d")
    #expect(tokenizer.encode("b e") == [8, 1])
    #expect(tokenizer.encode("b  a") == [8, 1, 6])
    let shuffled = try WordTokenizer(names: ["c", "a", "b a", "a d"])
    #expect(shuffled.encode("a d b c") == [6, 7, 8, 9])
  }

  @Test(arguments: [
    ("a  b", "it has two spaces in a row"), (" a", "it begins or ends with a space"),
    ("a ", "it begins or ends with a space"), ("", "it is empty"),
    ("x <E>", "it contains the special token <E>"),
  ])
  func wordRefusesNamesItCannotGiveBack(name: String, reason: String) throws {
    let error = #expect(throws: CorpusError.self) { try WordTokenizer(names: ["fine", name]) }
    #expect(error == .nameUnspellable(name: name, kind: .word, reason: reason))
    #expect(error?.description.hasSuffix("use --tokenizer bpe, or rename it in the graph") == true)
    #expect(error?.description.contains(name.debugDescription) == true)
    #expect(error?.exitStatus == .badInput)
  }

  @Test func wordRefusesPiecesThatDifferInNormalFormOnly() {
    let error = #expect(throws: CorpusError.self) {
      try WordTokenizer(names: ["caf\u{E9} one", "cafe\u{301} two"])
    }
    #expect(error == .namesAlike(first: "cafe\u{301} two", second: "caf\u{E9} one"))
  }

  @Test func entitiesAreNumberedInTheOrderOfTheirBytes() throws {
    let tokenizer = try EntityTokenizer(names: ["b a", "é", "a  d", " a", "Z", "b a"])
    #expect((6..<11).map { tokenizer.text(of: Int32($0)) } == [" a", "Z", "a  d", "b a", "é"])
    #expect(tokenizer.vocabularySize == 11)
    #expect(tokenizer.encode("a  d") == [8])
    #expect(tokenizer.encode("a d") == [1])
    #expect(tokenizer.encode("b a\u{1F}Z") == [9, 7])
    #expect(tokenizer.decode([9]) == "b a")
    #expect(tokenizer.decode([9, 7]) == "b a\u{1F}Z")
    #expect(tokenizer.decode([9, 5]) == nil)
    #expect(tokenizer.encode("<S>") == [1])
  }

  @Test(arguments: [
    ("", "it is empty"), ("a\u{1F}b", "it contains the unit separator U+001F"),
    ("x <E>", "it contains the special token <E>"),
  ])
  func entityRefusesNamesThatCannotBeTokens(name: String, reason: String) {
    let error = #expect(throws: CorpusError.self) { try EntityTokenizer(names: ["fine", name]) }
    #expect(error == .nameUnspellable(name: name, kind: .entity, reason: reason))
  }

  @Test func namesThatDifferInNormalFormOnlyAreRefused() {
    let error = #expect(throws: CorpusError.self) {
      try EntityTokenizer(names: ["K", "caf\u{E9}", "\u{212A}"])
    }
    #expect(error == .namesAlike(first: "K", second: "\u{212A}", kind: .entity))
    #expect(error?.description.contains("are the same name in two Unicode normal forms") == true)
  }

  @Test func aTokenizerOfAGraphKnowsHeldOutNamesToo() throws {
    for kind in TokenizerKind.allCases {
      let tokenizer = try kind.tokenizer(for: SampleGraph.people, vocabularySize: 280)
      #expect(tokenizer.kind == kind)
      #expect(tokenizer.decode(tokenizer.encode("poetry")) == "poetry")
      #expect(!tokenizer.encode("poetry").contains(1))
    }
    #expect(throws: CorpusError.vocabularyTooSmall(requested: 261, least: 262)) {
      try TokenizerKind.bpe.tokenizer(for: SampleGraph.people, vocabularySize: 261)
    }
  }

  @Test func theTokenizerDoesNotDependOnTheOrderOfTriples() throws {
    let rows = [
      ("b x", "p", "a", true), ("a", "q r", "c x", true), ("c x", "p", "d", false),
    ]
    for kind in TokenizerKind.allCases {
      let forward = try kind.tokenizer(for: SampleGraph.make(rows), vocabularySize: 264)
      let backward = try kind.tokenizer(for: SampleGraph.make(rows.reversed()), vocabularySize: 264)
      #expect(forward.vocabularySize == backward.vocabularySize)
      for id in 0..<Int32(forward.vocabularySize) {
        #expect(forward.text(of: id) == backward.text(of: id))
      }
    }
  }
}
