package import KnowledgeGraph

/// The training text of a graph, `<S> subject <P> predicate <O> object <E>`, in tokens.
///
/// Every name is encoded once, when this is made; after that no text is touched.
package struct TripleText: Sendable {
  package let tokenizer: any Tokenizer
  private let entities: TokenLists
  private let predicates: TokenLists

  /// Encodes all names of a graph.
  ///
  /// Throws `CorpusError` naming the entity or predicate whose name is empty, that the tokenizer has no
  /// tokens for, or that its tokens do not give back.
  package init(graph: KnowledgeGraph, tokenizer: any Tokenizer) throws(CorpusError) {
    self.tokenizer = tokenizer
    entities = try TokenLists(graph.entities.map(\.name), tokenizer)
    predicates = try TokenLists(graph.predicates.map(\.name), tokenizer)
  }

  /// `<S> subject <P> predicate <O>`: what a model is asked with.
  package func prompt(subject: Int32, predicate: Int32) -> [Int32] {
    var tokens = [SpecialToken.subject.rawValue]
    tokens += entities[subject]
    tokens.append(SpecialToken.predicate.rawValue)
    tokens += predicates[predicate]
    tokens.append(SpecialToken.object.rawValue)
    return tokens
  }

  /// `object <E>`: the canonical answer, end token included.
  package func completion(object: Int32) -> [Int32] {
    entities[object] + [SpecialToken.end.rawValue]
  }

  /// The whole training text of a triple: prompt and completion.
  package func sequence(of triple: Triple) -> [Int32] {
    prompt(subject: triple.subject, predicate: triple.predicate)
      + completion(object: triple.object)
  }

  /// The triple's names in brackets, for messages.
  package func description(of triple: Triple) -> String {
    let names = [entities[triple.subject], predicates[triple.predicate], entities[triple.object]]
    return "(" + names.map { tokenizer.decode($0) ?? "?" }.joined(separator: ", ") + ")"
  }

  /// Tokens of the longest prompt and completion together that the graph's names could need.
  package var longestPossibleSequence: Int {
    2 * entities.longest + predicates.longest + 4
  }
}

/// A list of tokens for each id, in one block.
private struct TokenLists: Sendable {
  private var tokens: [Int32] = []
  private var starts: [Int] = [0]
  private(set) var longest = 0

  init(_ names: [String], _ tokenizer: any Tokenizer) throws(CorpusError) {
    starts.reserveCapacity(names.count + 1)
    for name in names {
      let encoded = tokenizer.encode(name)
      guard !name.isEmpty else {
        throw .nameUnspellable(name: name, kind: tokenizer.kind, reason: "it is empty")
      }
      guard !encoded.contains(SpecialToken.unknown.rawValue) else {
        throw .nameUnknown(name: name)
      }
      guard let decoded = tokenizer.decode(encoded), decoded.utf8.elementsEqual(name.utf8) else {
        throw .nameUnspellable(
          name: name, kind: tokenizer.kind, reason: "its tokens do not give it back")
      }
      tokens += encoded
      starts.append(tokens.count)
      longest = max(longest, encoded.count)
    }
  }

  subscript(id: Int32) -> ArraySlice<Int32> { tokens[starts[Int(id)]..<starts[Int(id) + 1]] }
}
