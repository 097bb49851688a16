import Corpus
import KnowledgeGraph
package import LanguageModel
package import Training

/// What an evaluation of a run's model computes, without storing anything: for benchmarks.
package struct EvaluationWork {
  /// Queries of the run's graph, each with all answers that the graph knows.
  package let queries: [PromptedCompletions]
  /// Where completions end.
  package let limits: GenerationLimits

  /// At most `count` queries, at equal distances among all that the run is asked.
  ///
  /// Throws `LabError` when the run's graph or tokenizer is not there.
  package init(_ run: RunFolder, count: Int) throws {
    let graph = try run.graph()
    let corpus = run.record.configuration.corpus
    let text = try TripleText(
      graph: graph, tokenizer: run.tokenizer, wording: corpus.wording.asked(in: .seen))
    let asked = graph.queries.filter { $0.rank < corpus.fraction }
    let kept = min(count, asked.count)
    queries = (0..<kept).map { place in
      let query = asked[place * asked.count / kept]
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
}
