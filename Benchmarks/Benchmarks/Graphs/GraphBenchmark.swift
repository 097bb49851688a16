package import Foundation
package import KnowledgeGraph
package import LabCore

/// Time of a graph's ways: made, stored, read back, imported from text, asked for the truth.
package struct GraphBenchmark {
  private let schema: GraphSchema
  private let seed: Seed
  private let folder: URL

  /// Works with files in `folder`, which must exist; they are left there.
  package init(schema: GraphSchema, seed: Seed, folder: URL) {
    self.schema = schema
    self.seed = seed
    self.folder = folder
  }

  /// The graph that was made, after `run`.
  package func graph() throws -> KnowledgeGraph { try KnowledgeGraph.open(graphURL) }

  private var graphURL: URL { folder.appendingPathComponent("graph.sqlite") }
  private var textURL: URL { folder.appendingPathComponent("triples.tsv") }

  /// Repeats each work for `seconds`, at least once; `onProgress` is told which is under way.
  ///
  /// Throws `LabError.interrupted` between works on a request to stop, and what the works throw.
  package func run(
    seconds: Double, onProgress: (String) -> Void = { _ in }
  ) throws -> [WorkRate] {
    let works: [(String, (Double) throws -> WorkRate)] = [
      ("generate", generate), ("open", open), ("import", importText), ("judge", judge),
    ]
    return try works.map { name, work in
      guard !Interruption.isRequested else {
        throw LabError.interrupted("interrupted before '\(name)'; nothing was kept")
      }
      onProgress(name)
      return try work(seconds)
    }
  }

  /// Schema and seed to a finished file.
  private func generate(for seconds: Double) throws -> WorkRate {
    try WorkRate.measure("generate", unit: "triples", for: seconds) {
      try GraphGenerator(schema: schema, seed: seed).write(to: graphURL, overwrite: true)
        .profile.triples.total
    }
  }

  /// File to the graph in memory.
  private func open(for seconds: Double) throws -> WorkRate {
    try WorkRate.measure("open", unit: "triples", for: seconds) { try graph().answers.count }
  }

  /// Tab-separated text to a finished file.
  private func importText(for seconds: Double) throws -> WorkRate {
    try exportText()
    let importer = TripleImporter(name: "imported")
    let url = folder.appendingPathComponent("imported.sqlite")
    return try WorkRate.measure("import", unit: "triples", for: seconds) {
      try importer.write([textURL], to: url, overwrite: true).profile.triples.total
    }
  }

  private func exportText() throws {
    let graph = try graph()
    var text = ""
    for query in graph.queries {
      let start =
        graph.entities[Int(query.subject)].name + "\t"
        + graph.predicates[Int(query.predicate)].name + "\t"
      for answer in graph.answers[query.answers] {
        text += start + graph.entities[Int(answer.object)].name + "\n"
      }
    }
    try AtomicFile.write(Data(text.utf8), to: textURL)
  }

  /// Look-ups of a query and the verdict on an answer, a third of them true, false and invented
  /// each.
  private func judge(for seconds: Double) throws -> WorkRate {
    let graph = try graph()
    let names = graph.queries.enumerated().map { index, query in
      switch index % 3 {
      case 0: graph.entities[Int(graph.answers[query.answers.lowerBound].object)].name
      case 1: graph.entities[index % graph.entities.count].name
      default: "nobody \(index)"
      }
    }
    return try WorkRate.measure(
      "judge", unit: "answers", for: seconds, warmUps: 1, atLeast: 3
    ) {
      var verdicts = 0
      for (query, name) in zip(graph.queries, names) {
        let found = graph.query(subject: query.subject, predicate: query.predicate)
        if let found { verdicts += graph.verdict(on: name, for: found) == .invented ? 1 : 0 }
      }
      guard verdicts > 0 || names.count < 3 else {
        throw LabError("no invented answer was found out: the graph's look-up is wrong")
      }
      return names.count
    }
  }
}
