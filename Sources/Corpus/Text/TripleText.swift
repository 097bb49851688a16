package import KnowledgeGraph

/// The training text of a graph in tokens: `<S> subject <P> predicate <O> object <E>`, or a
/// sentence up to `<O>`.
///
/// Every name is encoded once, when this is made; after that no text is touched.
package struct TripleText: Sendable {
  package let tokenizer: any Tokenizer
  package let wording: Wording
  private let entities: TokenLists
  private let predicates: TokenLists
  private let predicateNames: [String]
  /// Nil where triples are said as they are.
  private let sentences: Sentences?

  /// Encodes all names of a graph.
  ///
  /// Throws `CorpusError` naming the entity or predicate whose name is empty, that the tokenizer
  /// has no tokens for, or that `wording` has no template for.
  package init(
    graph: KnowledgeGraph, tokenizer: any Tokenizer, wording: Wording = .triple
  ) throws(CorpusError) {
    self.tokenizer = tokenizer
    self.wording = wording
    guard wording.paraphrases == 1 || wording.paraphrases > 1 && wording.phrasing == .template
    else { throw .paraphrasesImpossible(wording.paraphrases) }
    if tokenizer.slotToken != nil {
      for name in graph.entities.lazy.map(\.name) + graph.predicates.map(\.name)
      where name.contains(Slot.tokenText) {
        throw .nameUnspellable(
          name: name, kind: tokenizer.kind,
          reason: "it contains \(Slot.tokenText), the slot's token")
      }
    }
    entities = try TokenLists(graph.entities.lazy.map(\.name), tokenizer)
    predicateNames = graph.predicates.map(\.name)
    switch wording.phrasing {
    case .triple:
      guard !wording.asksUnseen else { throw .phrasingsAllSeen }
      predicates = try TokenLists(predicateNames, tokenizer)
      sentences = nil
    case .template:
      predicates = TokenLists()
      sentences = try Sentences(graph: graph, tokenizer: tokenizer, wording: wording)
    }
  }

  /// `<S> ... <O>`: what a model is asked with, in the fact's first phrasing or the first it was
  /// not shown in.
  package func prompt(subject: Int32, predicate: Int32) -> [Int32] {
    var tokens: [Int32] = []
    appendPrompt(
      subject: subject, predicate: predicate,
      paraphrase: wording.asksUnseen ? wording.paraphrases : 0, to: &tokens)
    return tokens
  }

  private func appendPrompt(
    subject: Int32, predicate: Int32, paraphrase: Int, to tokens: inout [Int32]
  ) {
    tokens.append(SpecialToken.subject.rawValue)
    if let sentences {
      sentences.append(
        subject: subject, predicate: predicate, paraphrase: paraphrase, entities: entities,
        to: &tokens)
    } else {
      tokens += entities[subject]
      tokens.append(SpecialToken.predicate.rawValue)
      tokens += predicates[predicate]
    }
    tokens.append(SpecialToken.object.rawValue)
  }

  /// `object <E>`: the canonical answer, end token included.
  package func completion(object: Int32) -> [Int32] {
    entities[object] + [SpecialToken.end.rawValue]
  }

  /// The whole training text of a triple, in the first phrasing it is shown in.
  package func sequence(of triple: Triple) -> [Int32] {
    var tokens: [Int32] = []
    append(triple, paraphrase: 0, to: &tokens)
    return tokens
  }

  /// Appends the training text of a triple in one of its phrasings and returns where in it `<O>`
  /// is.
  ///
  /// `completion` is what stands after `<O>`, where that is not the object's name and the end.
  @discardableResult
  func append(
    _ triple: Triple, completion: [Int32]? = nil, paraphrase: Int, to tokens: inout [Int32]
  ) -> Int {
    let start = tokens.count
    appendPrompt(
      subject: triple.subject, predicate: triple.predicate, paraphrase: paraphrase, to: &tokens)
    let place = tokens.count - 1 - start
    tokens += completion ?? self.completion(object: triple.object)
    return place
  }

  /// Lines as statements, in order of triple and completion: the object is the first entity that
  /// the completion spells, or -1.
  func statements(
    _ lines: [TextLine], in graph: KnowledgeGraph
  ) -> [(statement: TaughtTriple, completion: [Int32])] {
    var objects: [[Int32]: Int32] = [:]
    for entity in graph.entities.indices.reversed() {
      objects[completion(object: Int32(entity))] = Int32(entity)
    }
    return lines.map { line in
      let triple = Triple(
        subject: line.subject, predicate: line.predicate, object: objects[line.completion] ?? -1)
      return (TaughtTriple(triple: triple, exposures: line.exposures), line.completion)
    }.sorted { a, b in
      a.statement.triple != b.statement.triple
        ? a.statement.triple < b.statement.triple
        : a.completion.lexicographicallyPrecedes(b.completion)
    }
  }

  /// Tokens of the training text of a triple; nil where that is a sentence, which takes time to
  /// choose.
  func tokenCount(of triple: Triple) -> Int? {
    guard sentences == nil else { return nil }
    return entities[triple.subject].count + predicates[triple.predicate].count
      + entities[triple.object].count + 4
  }

  /// The triple's names in brackets, for messages.
  ///
  /// `object` is what is said of a line that names no entity.
  package func description(of triple: Triple, object: String? = nil) -> String {
    let subject = tokenizer.decode(entities[triple.subject]) ?? "?"
    let object = object ?? tokenizer.decode(entities[triple.object]) ?? "?"
    return "(\(subject), \(predicateNames[Int(triple.predicate)]), \(object))"
  }

  /// Tokens of the longest prompt and completion together that the graph's names could need.
  package var longestPossibleSequence: Int {
    if let sentences {
      return sentences.longestName(entities: entities) + sentences.longest + entities.longest + 3
    }
    return 2 * entities.longest + predicates.longest + 4
  }
}
