package import Compute
package import Corpus
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// What a model says to one query: the probability of each true answer, its greedy answer and one
/// draw.
package struct FactScore: Hashable, Sendable {
  /// Index in `KnowledgeGraph.queries`.
  package let query: Int
  /// Each true answer, one of each name, with its log-probability in nats at temperature 1.
  package let truth: [ScoredObject]
  package let greedy: SampledAnswer
  /// One draw at temperature 1.
  package let draw: SampledAnswer

  /// The probability of all true answers together.
  package var probability: Double { min(1, truth.reduce(0) { $0 + $1.probability }) }
}

/// Scores every fact of a graph under one model.
package final class FactScorer {
  package let graph: KnowledgeGraph
  private let maker: QuestionMaker
  private let sampler: AnswerSampler
  private let pool: SessionPool

  /// Prepares a model to be asked.
  ///
  /// Throws `LabError` when memory is short, `CorpusError` for a name that the tokenizer cannot
  /// spell.
  package init(
    model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph,
    wording: Wording = .triple, precision: Precision = .fp32, workers: Int = 1
  ) throws {
    self.graph = graph
    let text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    maker = QuestionMaker(graph: graph, text: text)
    var options = EvaluationOptions()
    options.exactTemperatures = []
    options.sampleTemperatures = [0, 1]
    options.samples = 1
    sampler = AnswerSampler(
      judge: AnswerJudge(graph: graph, tokenizer: tokenizer), options: options,
      maximumNewTokens: text.maximumNewTokens(graph))
    pool = try SessionPool(model, precision: precision, workers: workers)
  }

  /// Queries to score between two looks at whether to stop.
  var roundSize: Int { pool.roundSize }

  /// The scores of queries by index, in order; nil where `shouldStop` said so on the way.
  package func scores(
    of queries: [Int], unless shouldStop: @Sendable () -> Bool = { false }
  ) throws -> [FactScore]? {
    let (maker, sampler) = (maker, sampler)
    return try pool.map(queries, unless: shouldStop) { unit, session in
      let asked = unit.map { maker.question(maker.graph.queries[$0]) }
      let drawn = try sampler.sample(asked, in: session)
      let scores = try session.checkedLogProbabilities(asked.map(\.prompted))
      return unit.indices.map { place in
        FactScore(
          query: unit[place],
          truth: zip(asked[place].truth, scores[place]).map {
            ScoredObject(object: $0.object, logProbability: $1[0])
          }, greedy: drawn[place][0], draw: drawn[place][1])
      }
    }
  }

  /// Log-probabilities of some objects as the answer to each query; nil where `shouldStop` said so.
  func logProbabilities(
    of objects: [(query: Int, objects: [Int32])], unless shouldStop: @Sendable () -> Bool
  ) throws -> [[Double]]? {
    let maker = maker
    return try pool.map(objects, unless: shouldStop) { unit, session in
      let items = unit.map { entry in
        PromptedCompletions(
          prompt: maker.prompt(maker.graph.queries[entry.query]),
          completions: entry.objects.map { maker.text.completion(object: $0) })
      }
      return try session.checkedLogProbabilities(items).map { $0.map { $0[0] } }
    }
  }
}
