package import KnowledgeGraph

extension TokenizerKind {
  /// The vocabulary size of `bpe` where none is asked for.
  package static let defaultVocabularySize = 1024

  /// A tokenizer of this kind for all names of a graph, trained on or held out.
  ///
  /// A pure function of the graph's names and triples, not of their ids; the same for every nested
  /// fraction. `vocabularySize` counts for `bpe` only, as an upper limit, special tokens included.
  /// Throws `CorpusError` naming the entity or predicate that this kind cannot spell.
  package func tokenizer(
    for graph: KnowledgeGraph, vocabularySize: Int = defaultVocabularySize
  ) throws(CorpusError) -> any Tokenizer {
    switch self {
    case .word:
      return try WordTokenizer(
        names: graph.entities.map(\.name) + graph.predicates.map(\.name))
    case .bpe:
      return try BytePairTokenizer(
        trainedOn: NameCounts.inTrainingText(of: graph), vocabularySize: vocabularySize)
    case .byte:
      return ByteTokenizer()
    }
  }
}

/// How often names occur in training text.
enum NameCounts {
  /// Every name of the graph with 1 + the number of trained triples that mention it.
  ///
  /// The 1 gives held-out names a say, so that a never-trained subject is not spelled byte by byte.
  static func inTrainingText(of graph: KnowledgeGraph) -> [(name: String, count: Int)] {
    var entities = [Int](repeating: 1, count: graph.entities.count)
    var predicates = [Int](repeating: 1, count: graph.predicates.count)
    for query in graph.queries {
      for answer in graph.answers[query.answers] where answer.isVisible {
        entities[Int(query.subject)] += 1
        predicates[Int(query.predicate)] += 1
        entities[Int(answer.object)] += 1
      }
    }
    return zip(graph.entities.map(\.name) + graph.predicates.map(\.name), entities + predicates)
      .map { (name: $0, count: $1) }
  }
}
