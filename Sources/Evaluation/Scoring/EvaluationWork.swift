import Corpus
package import KnowledgeGraph
package import LanguageModel
package import Training

/// What an evaluation of a run's model computes, without storing anything: for benchmarks.
package struct EvaluationWork {
  /// Queries of the run's graph, each with all answers that the graph knows.
  package let queries: [PromptedCompletions]
  /// Where completions end.
  package let limits: GenerationLimits

  /// At most `count` queries, neighbours as an evaluation takes them, at equal distances among all
  /// that the run is asked; `graph` is the run's.
  ///
  /// Throws `LabError` when the run's tokenizer is not there.
  package init(_ run: RunFolder, graph: KnowledgeGraph, count: Int) throws {
    let corpus = run.record.configuration.corpus
    let text = try TripleText(
      graph: graph, tokenizer: run.tokenizer, wording: corpus.wording.asked(in: .seen))
    let asked = graph.queries.filter { $0.rank < corpus.fraction }
    queries = Self.places(min(count, asked.count), of: asked.count).map { place in
      let query = asked[place]
      var known: Set<[Int32]> = []
      return PromptedCompletions(
        prompt: text.prompt(subject: query.subject, predicate: query.predicate),
        completions: graph.truth(of: query).map { text.completion(object: $0.object) }
          .filter { known.insert($0).inserted })
    }
    let context = run.record.configuration.model.contextLength
    let room = context - (queries.map(\.prompt.count).max() ?? 0)
    limits = GenerationLimits(
      maximumNewTokens: min(text.maximumNewTokens(graph), room),
      endToken: SpecialToken.end.rawValue, stopTokens: 0..<Int32(SpecialToken.allCases.count))
  }

  /// `count` of `all` places, in blocks of neighbours with equal gaps between them.
  package static func places(_ count: Int, of all: Int) -> [Int] {
    let blocks = (count + SessionPool.unitSize - 1) / SessionPool.unitSize
    return (0..<count).map { index in
      index + index / SessionPool.unitSize * (all - count) / max(1, blocks - 1)
    }
  }
}
