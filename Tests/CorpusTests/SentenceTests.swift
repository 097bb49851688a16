import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Triples said in sentences.
@Suite struct SentenceTests {
  private static let templates = [
    "{subject} was born in {object}", "The birthplace of {subject} is {object}.",
    "{subject}'s home: {object}",
  ]
  private static let graph = SmallGraph.make(
    [
      SmallGraph.Row("Ada Lovelace", "born in", "London"),
      SmallGraph.Row("Alan Turing", "born in", "London"),
      SmallGraph.Row("Emmy Noether", "born in", "Erlangen", visible: false),
    ], templates: templates)

  private func text(
    _ kind: TokenizerKind, paraphrases: Int = 3, seed: UInt64 = 0, unseen: Bool = false,
    graph: KnowledgeGraph = graph
  ) throws -> TripleText {
    var wording = Wording(phrasing: .template, paraphrases: paraphrases, seed: seed)
    let tokenizer = try kind.tokenizer(for: graph, vocabularySize: 290, wording: wording)
    if unseen { wording = wording.asked(in: .unseen) }
    return try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
  }

  /// All texts of a triple, by what a person reads of them.
  private func readings(_ text: TripleText, _ triple: Triple, _ separator: String) throws
    -> [String]
  {
    let configuration = CorpusConfiguration(wording: text.wording)
    let corpus = try TrainingCorpus(graph: Self.graph, text: text, configuration: configuration)
    let schedule = try corpus.schedule(tokensPerBatch: 1_000, seed: Seed(1))
    let index = try #require(corpus.index(of: triple))
    return (0..<text.wording.paraphrases).map { number in
      let epoch = schedule.epoch(number)
      let place = epoch.triples(inBatch: 0).firstIndex(of: index) ?? 0
      let batch = epoch.batch(0)
      let inputs = batch.tokens[Int(batch.offsets[place])..<Int(batch.offsets[place + 1])]
      return inputs.map { text.tokenizer.text(of: $0) }.joined(separator: separator)
    }
  }

  @Test func everyTokenizerSaysTheSentenceWithTheNameApart() throws {
    let triple = Triple(subject: 0, predicate: 0, object: 1)
    #expect(
      Set(try readings(text(.word), triple, "|")) == [
        "<S>|Ada|Lovelace|was|born|in|<O>|London",
        "<S>|The|birthplace|of|Ada|Lovelace|is|<O>|London",
        "<S>|Ada|Lovelace|'s|home:|<O>|London",
      ])
    #expect(
      Set(try readings(text(.entity), triple, "|")) == [
        "<S>|Ada Lovelace|was|born|in|<O>|London",
        "<S>|The|birthplace|of|Ada Lovelace|is|<O>|London",
        "<S>|Ada Lovelace|'s|home:|<O>|London",
      ])
    for kind in [TokenizerKind.byte, .bpe] {
      #expect(
        Set(try readings(text(kind), triple, "")) == [
          "<S>Ada␣Lovelace␣was␣born␣in<O>London",
          "<S>The␣birthplace␣of␣Ada␣Lovelace␣is<O>London",
          "<S>Ada␣Lovelace's␣home:<O>London",
        ])
    }
  }

  @Test func vocabulariesHoldTheWordsAndNotThePredicates() throws {
    let word = try text(.word).tokenizer
    // Ada Lovelace, Alan Turing, Emmy Noether, Erlangen, London: 8 pieces; then the sentences'
    // words in the order of " is", " was born in", "'s home:", "The birthplace of".
    #expect(
      (6..<word.vocabularySize).map { word.text(of: Int32($0)) } == [
        "Ada", "Lovelace", "Alan", "Turing", "Emmy", "Noether", "Erlangen", "London", "is", "was",
        "born", "in", "'s", "home:", "The", "birthplace", "of",
      ])
    let entity = try text(.entity).tokenizer
    #expect(
      (6..<entity.vocabularySize).map { entity.text(of: Int32($0)) } == [
        "Ada Lovelace", "Alan Turing", "Emmy Noether", "Erlangen", "London", "'s", "The",
        "birthplace", "born", "home:", "in", "is", "of", "was",
      ])
    var tokens: [Int32] = []
    entity.encodeWords("Ada Lovelace was", into: &tokens)
    #expect(tokens == [1, 1, 19])
    // Without sentences the words are no part of a vocabulary.
    #expect(try TokenizerKind.entity.tokenizer(for: Self.graph).vocabularySize == 6 + 5 + 1)
  }

  /// Where a space is on both sides of the name, tokens are those of the whole sentence.
  @Test(arguments: [TokenizerKind.bpe, .byte])
  func spacesBelongToWhatFollows(kind: TokenizerKind) throws {
    for seed in UInt64(0)..<6 {
      let text = try text(kind, paraphrases: 1, seed: seed)
      let prompt = text.prompt(subject: 2, predicate: 0)
      let said = try #require(text.tokenizer.decode(prompt.dropFirst().dropLast()))
      #expect(
        [
          "Alan Turing was born in", "The birthplace of Alan Turing is", "Alan Turing's home:",
        ].contains(said))
      if !said.contains("'s") {
        #expect(text.tokenizer.encode(said) == Array(prompt.dropFirst().dropLast()))
      }
    }
  }

  @Test func questionsAreInAPhrasingThatTheFactWasShownIn() throws {
    for seed in UInt64(0)..<20 {
      let seen = try text(.word, paraphrases: 2, seed: seed)
      let unseen = try text(.word, paraphrases: 2, seed: seed, unseen: true)
      let triple = Triple(subject: 0, predicate: 0, object: 1)
      let shown = try readings(seen, triple, " ")
      let asked = [seen, unseen].map { text in
        text.prompt(subject: 0, predicate: 0).map { text.tokenizer.text(of: $0) }
          .joined(separator: " ") + " London"
      }
      #expect(shown.count == 2 && Set(shown).count == 2)
      #expect(asked[0] == shown[0])
      #expect(!shown.contains(asked[1]))
    }
  }

  @Test func fewerParaphrasesAreAmongMoreAndTheSeedDecides() throws {
    let triple = Triple(subject: 0, predicate: 0, object: 1)
    var firsts: Set<String> = []
    for seed in UInt64(0)..<12 {
      let two = try readings(text(.word, paraphrases: 2, seed: seed), triple, " ")
      let three = try readings(text(.word, paraphrases: 3, seed: seed), triple, " ")
      #expect(two == Array(three.prefix(2)))
      firsts.insert(three[0])
    }
    #expect(firsts.count == 3)
  }

  @Test func aNamesakeIsAskedInTheSameWords() throws {
    // Two entities of one name are one text.
    let graph = KnowledgeGraph(
      entityTypes: [EntityType(name: "thing")],
      entities: ["Ann", "Ann", "London", "Paris"].map { Entity(name: $0, type: 0) },
      predicates: [
        Predicate(name: "born in", subjectType: 0, objectType: 0, templates: Self.templates)
      ],
      queries: [0, 1].map {
        Query(subject: $0, predicate: 0, visibility: .fvs, answers: Int($0)..<Int($0 + 1), rank: 0)
      },
      answers: [2, 3].map { Answer(object: $0, isVisible: true, bits: 1) }, contentHash: "namesakes"
    )
    for kind in TokenizerKind.allCases {
      for wording in [Wording.triple, Wording(phrasing: .template, paraphrases: 2, seed: 3)] {
        let tokenizer = try kind.tokenizer(for: graph, wording: wording)
        let corpus = try TrainingCorpus(
          graph: graph, tokenizer: tokenizer,
          configuration: CorpusConfiguration(wording: wording))
        #expect(
          corpus.text.prompt(subject: 0, predicate: 0)
            == corpus.text.prompt(subject: 1, predicate: 0))
        #expect(corpus.statements.count == 2)
      }
    }
  }

  @Test func theContextHoldsTheLongestSentence() throws {
    for kind in TokenizerKind.allCases {
      let text = try text(kind)
      let corpus = try TrainingCorpus(
        graph: Self.graph, text: text, configuration: CorpusConfiguration(wording: text.wording))
      #expect(corpus.longestSequence < text.longestPossibleSequence)
      #expect(text.longestPossibleSequence < corpus.longestSequence + 24)
    }
  }

  @Test func whatHasNoSentencesIsNamed() throws {
    func error(_ templates: [String], _ paraphrases: Int = 1, unseen: Bool = false) -> String? {
      let graph = SmallGraph.make([SmallGraph.Row("a", "born in", "b")], templates: templates)
      let error = #expect(throws: CorpusError.self) {
        try text(.word, paraphrases: paraphrases, unseen: unseen, graph: graph)
      }
      return error?.description
    }
    #expect(error([])?.hasPrefix("the predicate 'born in' has no templates, so it cannot") == true)
    #expect(
      error(["{subject} of {object}"], 2)?
        .hasPrefix("the predicate 'born in' has 1 template, and each fact is to be shown in 2")
        == true)
    #expect(
      error(["{subject} of {object}"], 1, unseen: true)?.contains("there is no unseen phrasing")
        == true)
    for (template, reason) in [
      ("is in {object}", "has no {subject}"), ("{subject} is", "has no {object}"),
      ("{object} is of {subject}", "has {object} before {subject}"),
      ("{subject} is in {object} now", "goes on after {object}"),
      ("{subject} or {subject} in {object}", "has {subject} or {object} twice"),
      ("{subject} <P> {object}", "contains the special token <P>"),
    ] {
      #expect(error([template])?.contains(reason) == true, "\(template)")
    }
    let triples = Self.graph
    #expect(throws: CorpusError.phrasingsAllSeen) {
      try TripleText(
        graph: triples, tokenizer: BytePairTokenizer.ofBytes,
        wording: Wording.triple.asked(in: .unseen))
    }
    #expect(throws: CorpusError.paraphrasesImpossible(2)) {
      try TripleText(
        graph: triples, tokenizer: BytePairTokenizer.ofBytes, wording: Wording(paraphrases: 2))
    }
    #expect(throws: CorpusError.paraphrasesImpossible(0)) {
      try text(.byte, paraphrases: 0)
    }
  }

  @Test func aDefaultConfigurationIsWrittenAsItAlwaysWas() throws {
    let old = #"{"fraction":1,"loss":"all","packing":"isolated","window_length":256}"#
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(String(decoding: try encoder.encode(CorpusConfiguration()), as: UTF8.self) == old)
    let decoder = JSONDecoder()
    #expect(
      try decoder.decode(CorpusConfiguration.self, from: Data(old.utf8)) == CorpusConfiguration())
    let wording = Wording(phrasing: .template, paraphrases: 3, seed: .max)
    let configuration = CorpusConfiguration(fraction: 0.1, packing: .window, wording: wording)
    let data = try encoder.encode(configuration)
    #expect(try decoder.decode(CorpusConfiguration.self, from: data) == configuration)
    #expect(
      String(decoding: data, as: UTF8.self)
        == #"{"fraction":0.1,"loss":"all","packing":"window","paraphrases":3,"phrasing":"template","#
        + #""window_length":256,"wording_seed":18446744073709551615}"#)
  }
}
