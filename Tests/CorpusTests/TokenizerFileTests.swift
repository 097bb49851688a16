import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

@Suite struct TokenizerFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let graph = SampleGraph.make([
    ("Émilie du Châtelet", "born in", "Paris", true), ("Ada Lovelace", "born in", "London", true),
    ("Alan Turing", "field of work", "mathematics & logic", true),
    ("湯川 秀樹", "born in", "東京", true),
    ("Ada \"x\" \\ O'Hara\u{7}/", "born in", "Saint-Denis, Réunion", true),
    ("C++17, 3.5%", "field of work", "tab\tinside", true),
  ])

  /// Ids of `<S> ... <P> ... <O> ... <E>` for triples 0, 4 and 5.
  ///
  /// Python's `tokenizers` 0.23.3, and `AutoTokenizer` and `PreTrainedTokenizerFast` of
  /// `transformers` 5, gave them from the files that `TokenizerFile.save` wrote for this graph with
  /// a vocabulary of 290 for `bpe`.
  private static let fromPython: [TokenizerKind: [[Int32]]] = [
    .word: [
      [2, 28, 29, 30, 3, 19, 20, 4, 16, 5], [2, 6, 7, 8, 9, 3, 19, 20, 4, 17, 18, 5],
      [2, 13, 14, 3, 21, 22, 23, 4, 27, 5],
    ],
    .bpe: [
      [
        2, 133, 237, 82, 78, 81, 78, 74, 226, 73, 90, 226, 40, 77, 133, 101, 89, 264, 74, 89, 3,
        268, 267, 4, 53, 270, 273, 5,
      ],
      [
        2, 275, 226, 284, 7, 226, 65, 226, 52, 285, 270, 70, 201, 20, 3, 268, 267, 4, 56, 70, 262,
        89, 287, 74, 83, 273, 17, 226, 55, 133, 108, 90, 83, 78, 265, 5,
      ],
      [
        2, 40, 286, 289, 17, 226, 24, 288, 10, 3, 282, 279, 283, 4, 89, 70, 71, 203, 262, 88, 78,
        73, 74, 5,
      ],
    ],
    .entity: [
      [2, 17, 3, 13, 4, 11, 5], [2, 6, 3, 13, 4, 12, 5], [2, 9, 3, 14, 4, 16, 5],
    ],
    .byte: [
      [
        2, 133, 237, 82, 78, 81, 78, 74, 226, 73, 90, 226, 40, 77, 133, 101, 89, 74, 81, 74, 89, 3,
        71, 84, 87, 83, 226, 78, 83, 4, 53, 70, 87, 78, 88, 5,
      ],
      [
        2, 38, 73, 70, 226, 7, 93, 7, 226, 65, 226, 52, 12, 45, 70, 87, 70, 201, 20, 3, 71, 84, 87,
        83, 226, 78, 83, 4, 56, 70, 78, 83, 89, 18, 41, 74, 83, 78, 88, 17, 226, 55, 133, 108, 90,
        83, 78, 84, 83, 5,
      ],
      [
        2, 40, 16, 16, 22, 28, 17, 226, 24, 19, 26, 10, 3, 75, 78, 74, 81, 73, 226, 84, 75, 226,
        92, 84, 87, 80, 4, 89, 70, 71, 203, 78, 83, 88, 78, 73, 74, 5,
      ],
    ],
  ]

  @Test(arguments: TokenizerKind.allCases)
  func aSavedTokenizerGivesPythonsIdsAfterLoading(kind: TokenizerKind) throws {
    let tokenizer = try kind.tokenizer(for: Self.graph, vocabularySize: 290)
    try TokenizerFile.save(tokenizer, to: folder.url)
    let loaded = try TokenizerFile.load(from: folder.url)
    #expect(loaded.kind == kind)
    #expect(loaded.vocabularySize == tokenizer.vocabularySize)
    let triples = Self.graph.statements(fraction: 1).map(\.triple)
    let text = try TripleText(graph: Self.graph, tokenizer: loaded)
    #expect(
      [triples[0], triples[4], triples[5]].map { text.sequence(of: $0) } == Self.fromPython[kind])
    for name in Self.graph.entities.map(\.name) {
      #expect(loaded.encode(name) == tokenizer.encode(name))
      #expect(loaded.decode(loaded.encode(name)) == name)
    }
  }

  @Test(arguments: TokenizerKind.allCases)
  func theBytesDependOnTheTokenizerAlone(kind: TokenizerKind) throws {
    let (first, second) = try (TemporaryFolder(), TemporaryFolder())
    for folder in [first, second] {
      try TokenizerFile.save(kind.tokenizer(for: Self.graph, vocabularySize: 290), to: folder.url)
    }
    for name in [TokenizerFile.name, TokenizerFile.configurationName] {
      #expect(try first.data(name) == second.data(name))
    }
  }

  @Test func wordFileIsTheOnePythonWasTriedWith() throws {
    try TokenizerFile.save(WordTokenizer(names: ["b a"]), to: folder.url)
    let data = try folder.data(TokenizerFile.name)
    let compact = try JSONSerialization.data(
      withJSONObject: JSONSerialization.jsonObject(with: data),
      options: [.sortedKeys, .withoutEscapingSlashes])
    let added = ["<pad>", "<unk>", "<S>", "<P>", "<O>", "<E>"].enumerated().map {
      #"{"content":"\#($1)","id":\#($0),"lstrip":false,"normalized":false,"rstrip":false,"#
        + #""single_word":false,"special":true}"#
    }
    #expect(
      String(decoding: compact, as: UTF8.self)
        == #"{"added_tokens":[\#(added.joined(separator: ","))],"#
        + #""model":{"type":"WordLevel","unk_token":"<unk>","vocab":{"<E>":5,"<O>":4,"<P>":3,"#
        + #""<pad>":0,"<S>":2,"<unk>":1,"a":7,"b":6}},"#
        + #""pre_tokenizer":{"behavior":"Removed","invert":false,"pattern":{"String":" "},"#
        + #""type":"Split"},"version":"1.0"}"#)
  }

  /// A text that is in a saved file, what to put in its place, and a part of the error.
  struct Damage: Sendable, CustomTestStringConvertible {
    let kind: TokenizerKind
    let from: String
    let to: String
    let reason: String
    var testDescription: String { "\(kind.rawValue): \(reason)" }
  }

  static let damages =
    [
      Damage(kind: .word, from: "{", to: "{{", reason: "it is not valid JSON"),
      Damage(
        kind: .word, from: "\"model\"", to: "\"modle\"", reason: "'model' is missing at the top"),
      Damage(
        kind: .word, from: "\"born\" : 19", to: "\"born\" : \"x\"",
        reason: "the value at model.vocab.born has the wrong type"),
      Damage(
        kind: .word, from: "\"born\" : 19", to: "\"born\" : 99",
        reason: "token 'born' has the id 99 in a vocabulary of 34"),
      Damage(
        kind: .word, from: "\"born\" : 19", to: "\"born\" : -1",
        reason: "token 'born' has the id -1 in a vocabulary of 34"),
      Damage(
        kind: .word, from: "\"born\" : 19", to: "\"born\" : 18", reason: "two tokens have the id 18"
      ),
      Damage(
        kind: .word, from: "\"born\" : 19", to: "\"b rn\" : 19",
        reason: "the token with the id 19 is empty or has a space inside"),
      Damage(
        kind: .word, from: "\"<pad>\" : 0", to: "\"<PAD>\" : 0",
        reason: "the special token <pad> does not have the id 0"),
      Damage(
        kind: .word, from: "WordLevel", to: "Unigram",
        reason: "its model type 'Unigram' is neither WordLevel nor BPE"),
      Damage(
        kind: .word, from: "Removed", to: "Isolated",
        reason: "'pre_tokenizer.behavior' is \"Isolated\""),
      Damage(
        kind: .word, from: "\"special\" : true", to: "\"special\" : false",
        reason: "'added_tokens[0].special' is false"),
      Damage(
        kind: .word, from: "\"pre_tokenizer\"",
        to: "\"normalizer\" : {\"type\" : \"NFC\"}, \"pre_tokenizer\"",
        reason: "'normalizer' is {\"type\": \"NFC\"}"),
      Damage(
        kind: .entity, from: "\"Paris\" : 11", to: "\"Par\\u001fis\" : 11",
        reason: "the token with the id 11 is empty or has a unit separator inside"),
      Damage(
        kind: .entity, from: "\"lstrip\" : true", to: "\"lstrip\" : false",
        reason: "'added_tokens[0].lstrip' is false"),
      Damage(kind: .bpe, from: "\"merges\"", to: "\"merge\"", reason: "'model.merge' is [["),
      Damage(
        kind: .bpe, from: "\"ĠQ\"", to: "\"ĠZ\"", reason: "uses a token that is not there"),
      Damage(
        kind: .bpe, from: "\"~\" : 99", to: "\"~~\" : 99",
        reason: "the token with the id 99 is not the byte kglab has there"),
      Damage(
        kind: .bpe, from: "\"~\" : 99", to: "\"東\" : 99",
        reason: "token '東' is not written in GPT-2's byte alphabet"),
      Damage(
        kind: .bpe, from: "\"use_regex\" : false", to: "\"use_regex\" : true",
        reason: ".use_regex' is true"),
      Damage(
        kind: .byte, from: "\"Ń\" : 261", to: "\"Ń\" : 262",
        reason: "token 'Ń' has the id 262 in a vocabulary of 262"),
    ] + settings

  /// Settings that decide how text is cut and that kglab has no counterpart for.
  private static let settings =
    [
      "\"dropout\" : 0.5", "\"ignore_merges\" : true", "\"continuing_subword_prefix\" : \"##\"",
      "\"end_of_word_suffix\" : \"</w>\"", "\"byte_fallback\" : true", "\"fuse_unk\" : true",
      "\"unk_token\" : \"<unk>\"", "\"later\" : [1]",
    ].map {
      Damage(kind: .bpe, from: "\"merges\"", to: "\($0), \"merges\"", reason: "'model.")
    } + [
      Damage(
        kind: .word, from: "\"unk_token\" : \"<unk>\"", to: "\"unk_token\" : \"<pad>\"",
        reason: "'model.unk_token' is \"<pad>\""),
      Damage(
        kind: .byte, from: "\"version\"", to: "\"truncation\" : {\"max_length\" : 8}, \"version\"",
        reason: "'truncation' is {\"max_length\": 8}"),
      Damage(
        kind: .byte, from: "\"version\"",
        to: "\"post_processor\" : {\"type\" : \"X\"}, \"version\"",
        reason: "'post_processor' is {\"type\": \"X\"}"),
      Damage(
        kind: .bpe, from: "\"merges\" : [", to: "\"merges\" : [7,",
        reason: "the value at model.merges[0] has the wrong type"),
      Damage(
        kind: .bpe, from: "\"merges\" : [", to: "\"merges\" : [\"a b c\",",
        reason: "no pair of tokens at model.merges[0]"),
    ]

  /// As `tokenizers` before 0.20 wrote them, beside settings that change nothing.
  @Test func mergesInStringsAndSettingsThatChangeNothingAreRead() throws {
    let tokenizer = try BytePairTokenizer(trainedOn: BytePairTests.names, vocabularySize: 300)
    try TokenizerFile.save(tokenizer, to: folder.url)
    try folder.edit(TokenizerFile.name) { contents in
      var model = try #require(contents["model"] as? [String: Any])
      let merges = try #require(model["merges"] as? [[String]])
      model["merges"] = merges.map { $0.joined(separator: " ") }
      model["dropout"] = NSNull()
      model["fuse_unk"] = false
      model["end_of_word_suffix"] = ""
      contents["model"] = model
      // As transformers 5.24 writes it for a tokenizer without one.
      func part(_ name: String, _ type: Int) -> [String: Any] {
        ["Sequence": ["id": name, "type_id": type]]
      }
      contents["post_processor"] =
        [
          "type": "TemplateProcessing", "single": [part("A", 0)],
          "pair": [part("A", 0), part("B", 1)], "special_tokens": [String: Any](),
        ] as [String: Any]
    }
    let loaded = try TokenizerFile.load(from: folder.url)
    for (name, _) in BytePairTests.names { #expect(loaded.encode(name) == tokenizer.encode(name)) }
    #expect(try loaded.file.hash == tokenizer.file.hash)
  }

  @Test(arguments: damages)
  func aDamagedFileIsRefusedByName(damage: Damage) throws {
    let url = folder[TokenizerFile.name]
    var names = Self.graph
    if damage.kind == .bpe { names = SampleGraph.make([("a Q", "p", "b Q", true)]) }
    try TokenizerFile.save(damage.kind.tokenizer(for: names, vocabularySize: 290), to: folder.url)
    var text = try String(contentsOf: url, encoding: .utf8)
    let range = try #require(text.range(of: damage.from))
    // For a merge, the first mention is the pair's; the vocabulary comes later.
    text.replaceSubrange(range, with: damage.to)
    try text.write(to: url, atomically: false, encoding: .utf8)
    expectFailure(url.path, damage.reason, status: .badInput) {
      try TokenizerFile.load(from: folder.url)
    }
  }

  @Test(arguments: [0, 1, 100, 2_000])
  func aTruncatedFileIsRefused(length: Int) throws {
    let url = folder[TokenizerFile.name]
    try TokenizerFile.save(BytePairTokenizer.ofBytes, to: folder.url)
    try Data(contentsOf: url).prefix(length).write(to: url)
    let error = #expect(throws: CorpusError.self) { try TokenizerFile.load(from: folder.url) }
    #expect(error == .tokenizerFile(path: url.path, reason: "it is not valid JSON"))
  }

  @Test func aMissingFileIsNamed() throws {
    expectFailure("\(folder.url.path)/tokenizer.json is not a", "there is no such file") {
      try TokenizerFile.load(from: folder.url)
    }
  }
}
