import Compute
import Corpus
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Training

/// A run's model ready to answer queries of a graph, and to say how likely it finds answers.
///
/// Nothing is stored; results do not depend on the workers.
package struct AnsweringRun {
  package let graph: KnowledgeGraph
  private let maker: QuestionMaker
  private let judge: AnswerJudge
  private let longest: Int
  private let pool: SessionPool
  private let path: String

  /// Loads the run's weights, or those of the checkpoint it was opened at; throws `LabError` where
  /// they cannot be read.
  package init(_ run: RunFolder, graph: KnowledgeGraph, workers: Int) throws {
    let text = try TripleText(
      graph: graph, tokenizer: run.tokenizer,
      wording: run.record.configuration.corpus.wording.asked(in: .seen))
    self.graph = graph
    maker = QuestionMaker(graph: graph, text: text)
    judge = AnswerJudge(graph: graph, tokenizer: run.tokenizer)
    longest = text.maximumNewTokens(graph)
    pool = try SessionPool(run.askedModel(), precision: .fp32, workers: workers)
    path = run.url.path
  }

  /// The name of an entity as an answer, end token included.
  package func completion(_ object: Int32) -> [Int32] { maker.text.completion(object: object) }

  /// The answers to each query that `options` ask for: by temperature, then by sample.
  package func draw(
    _ queries: [Query], _ options: EvaluationOptions, _ work: Work = Work()
  ) throws -> [[SampledAnswer]] {
    try options.validate()
    let sampler = AnswerSampler(judge: judge, options: options, maximumNewTokens: longest)
    let maker = maker
    return try rounds(queries, work) { unit, session in
      try sampler.sample(unit.map { maker.question($0) }, in: session)
    }
  }

  /// The exact probability of right answers to each query, by temperature above 0.
  package func exact(
    _ queries: [Query], temperatures: [Double], _ work: Work = Work()
  ) throws -> [[ExactOutcome]] {
    let scorer = AnswerScorer(temperatures: temperatures)
    let maker = maker
    return try rounds(queries, work) { unit, session in
      try scorer.score(unit.map { maker.question($0) }, in: session)
    }
  }

  /// The log-probability in nats of texts, none of them empty, after each query's prompt: by query,
  /// text and temperature above 0.
  package func logProbabilities(
    _ items: [(query: Query, texts: [[Int32]])], temperatures: [Double] = [1],
    _ work: Work = Work()
  ) throws -> [[[Double]]] {
    let options = ScoringOptions(inverseTemperatures: temperatures.map { Float(1 / $0) })
    let prompted = items.map {
      PromptedCompletions(prompt: maker.prompt($0.query), completions: $0.texts)
    }
    return try rounds(prompted, work) { try $1.checkedLogProbabilities($0, options: options) }
  }

  private func rounds<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], _ work: Work,
    _ body: @Sendable ([Input], any AskedSession) throws -> [Output]
  ) throws -> [Output] {
    var found: [Output] = []
    for start in stride(from: 0, to: inputs.count, by: pool.roundSize) {
      let round = Array(inputs[start..<min(start + pool.roundSize, inputs.count)])
      guard let outputs = try pool.map(round, unless: work.shouldStop, body) else {
        throw LabError.interrupted(
          "stopped while \(path) was asked; the same command begins to ask again")
      }
      found += outputs
      work.report(Double(found.count) / Double(inputs.count), "asking")
    }
    return found
  }
}

extension SampledAnswer {
  /// What is read of an answer: its tokens, with the end token where it came.
  package var line: [Int32] { tokens + (ended ? [SpecialToken.end.rawValue] : []) }
}
