import Corpus
import KnowledgeGraph
import Testing

@Suite struct TripleTextTests {
  private let graph = SampleGraph.people

  @Test func aTripleIsSubjectPredicateObjectAndEnd() throws {
    let tokenizer = try TokenizerKind.word.tokenizer(for: graph)
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    // Sorted: Ada Lovelace, Alan Turing, Emmy Noether, Erlangen, London, born in, field,
    // mathematics, poetry.
    #expect(tokenizer.vocabularySize == 6 + 13)
    let triple = Triple(subject: 0, predicate: 0, object: 1)
    #expect(text.prompt(subject: 0, predicate: 0) == [2, 6, 7, 3, 14, 15, 4])
    #expect(text.completion(object: 1) == [13, 5])
    #expect(text.sequence(of: triple) == [2, 6, 7, 3, 14, 15, 4, 13, 5])
    #expect(text.description(of: triple) == "(Ada Lovelace, born in, London)")
    #expect(text.longestPossibleSequence == 2 + 2 + 2 + 4)
  }

  @Test(arguments: TokenizerKind.allCases)
  func fieldsCanBeReadBack(kind: TokenizerKind) throws {
    let tokenizer = try kind.tokenizer(for: graph, vocabularySize: 270)
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    for triple in graph.statements(fraction: 1).map(\.triple) {
      let fields = text.sequence(of: triple).split { (2...5).contains($0) }
      #expect(
        fields.map { tokenizer.decode($0) } == [
          graph.entities[Int(triple.subject)].name, graph.predicates[Int(triple.predicate)].name,
          graph.entities[Int(triple.object)].name,
        ])
    }
  }

  @Test func aTokenizerOfAnotherGraphIsRefused() throws {
    let other = try WordTokenizer(names: ["Ada Lovelace"])
    let error = #expect(throws: CorpusError.self) {
      try TripleText(graph: graph, tokenizer: other)
    }
    #expect(error == .nameUnknown(name: "London"))
    #expect(error?.description.contains("made for another graph") == true)
  }

  @Test func anEmptyNameIsRefusedByEveryTokenizer() {
    let nameless = SampleGraph.make([("a", "b", "", true)])
    let error = #expect(throws: CorpusError.self) {
      try TripleText(graph: nameless, tokenizer: BytePairTokenizer.ofBytes)
    }
    #expect(error == .nameUnspellable(name: "", kind: .byte, reason: "it is empty"))
  }
}
