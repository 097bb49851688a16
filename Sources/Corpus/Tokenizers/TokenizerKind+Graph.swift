package import KnowledgeGraph

extension TokenizerKind {
  /// The vocabulary size of `bpe` where none is asked for.
  package static let defaultVocabularySize = 1024

  /// A tokenizer of this kind for all names of a graph, trained on or held out, and the words
  /// around them.
  ///
  /// A pure function of the graph's names, templates and triples, not of their ids; the same for
  /// every nested fraction. `vocabularySize` counts for `bpe` only, as an upper limit, special
  /// tokens included. Throws `CorpusError` naming the entity or predicate that this kind cannot
  /// spell, or a predicate without templates where `wording` says triples in sentences. With
  /// `rules` it knows `RuleWord`s.
  package func tokenizer(
    for graph: KnowledgeGraph, vocabularySize: Int = defaultVocabularySize,
    wording: Wording = .triple, rules: Bool = false
  ) throws(CorpusError) -> any Tokenizer {
    let entities = graph.entities.map(\.name)
    let templates =
      wording.phrasing == .template ? try Sentences.templates(of: graph, wording: wording) : []
    let names =
      wording.phrasing == .triple ? entities + graph.predicates.map(\.name) : entities
    let sentences = templates.flatMap { $0.flatMap(\.texts) } + (rules ? RuleWord.texts : [])
    switch self {
    case .word:
      return try WordTokenizer(names: names, sentences: sentences)
    case .entity:
      return try EntityTokenizer(names: names, sentences: sentences)
    case .bpe:
      return try BytePairTokenizer(
        trainedOn: TextCounts.inTrainingText(of: graph, templates: templates),
        vocabularySize: vocabularySize)
    case .byte:
      return BytePairTokenizer.ofBytes
    }
  }
}

/// How often names and the words around them occur in training text.
enum TextCounts {
  /// Every name of the graph with 1 + the number of trained triples that mention it.
  ///
  /// The 1 gives held-out names a say, so that a never-trained subject is not spelled byte by byte.
  /// Where there are templates, their texts take the place of their predicate's name and share its
  /// triples.
  static func inTrainingText(
    of graph: KnowledgeGraph, templates: [[SentenceTemplate]]
  ) -> [(name: String, count: Int)] {
    var entities = [Int](repeating: 1, count: graph.entities.count)
    var predicates = [Int](repeating: 0, count: graph.predicates.count)
    for query in graph.queries {
      for answer in graph.answers[query.answers] where answer.isVisible {
        entities[Int(query.subject)] += 1
        predicates[Int(query.predicate)] += 1
        entities[Int(answer.object)] += 1
      }
    }
    var counts = zip(graph.entities.map(\.name), entities).map { (name: $0, count: $1) }
    for (place, predicate) in graph.predicates.enumerated() {
      guard !templates.isEmpty else {
        counts.append((predicate.name, predicates[place] + 1))
        continue
      }
      let own = templates[place]
      for text in own.flatMap(\.texts) {
        counts.append((text, predicates[place] / own.count + 1))
      }
    }
    return counts
  }
}
