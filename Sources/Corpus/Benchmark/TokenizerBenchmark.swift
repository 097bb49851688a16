package import KnowledgeGraph
package import LabCore

/// Time of turning a graph's names into tokens.
package struct TokenizerBenchmark {
  private let graph: KnowledgeGraph

  package init(graph: KnowledgeGraph) { self.graph = graph }

  /// For each kind of tokenizer its making, its encoding of every name, and the trained triples as token sequences.
  ///
  /// Throws `CorpusError` for a name that a kind cannot spell.
  package func run(
    seconds: Double, onProgress: (String) -> Void = { _ in }
  ) throws -> [WorkRate] {
    let names = graph.entities.map(\.name) + graph.predicates.map(\.name)
    let nameBytes = names.reduce(0) { $0 + $1.utf8.count }
    return try TokenizerKind.allCases.flatMap { kind in
      onProgress(kind.rawValue)
      var rates: [WorkRate] = []
      if kind != .byte {
        rates.append(
          try WorkRate.measure("make \(kind.rawValue)", unit: "bytes", for: seconds) {
            _ = try kind.tokenizer(for: graph)
            return nameBytes
          })
      }
      let tokenizer = try kind.tokenizer(for: graph)
      rates.append(
        WorkRate.measure(
          "encode \(kind.rawValue)", unit: "bytes", for: seconds, warmUps: 1, atLeast: 3
        ) {
          let tokens = names.reduce(0) { $0 + tokenizer.encode($1).count }
          precondition(tokens > 0 || names.isEmpty, "no tokens")
          return nameBytes
        })
      let text = try TripleText(graph: graph, tokenizer: tokenizer)
      let triples = graph.visibleTriples(fraction: 1)
      rates.append(
        WorkRate.measure(
          "text \(kind.rawValue)", unit: "tokens", for: seconds, warmUps: 1, atLeast: 3
        ) {
          triples.reduce(0) { $0 + text.sequence(of: $1).count }
        })
      return rates
    }
  }
}
