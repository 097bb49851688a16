import Corpus
package import KnowledgeGraph
package import LabCore

/// Time of turning a graph's names into tokens.
package struct TokenizerBenchmark {
  private let graph: KnowledgeGraph

  package init(graph: KnowledgeGraph) { self.graph = graph }

  /// For each kind of tokenizer its making, its encoding of every name, and the making of a whole
  /// corpus.
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
          var tokens: [Int32] = []
          for name in names { tokenizer.encode(name, into: &tokens) }
          precondition(!tokens.isEmpty || names.isEmpty, "no tokens")
          return nameBytes
        })
      rates.append(
        try WorkRate.measure("corpus \(kind.rawValue)", unit: "triples", for: seconds) {
          try TrainingCorpus(graph: graph, tokenizer: tokenizer).statements.count
        })
      return rates
    }
  }
}
