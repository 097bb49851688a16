import Compute
package import Corpus
package import KnowledgeGraph
package import LabCore
package import LanguageModel

/// Asks a model every query of a graph and holds its answers against the truth.
///
/// Work is cut into units of 32 queries that workers take; every result is a function of the unit
/// alone, so that any number of workers gives the same bytes.
package final class Evaluator {
  package let graph: KnowledgeGraph
  package let options: EvaluationOptions
  package let fraction: Double
  /// Indices in `KnowledgeGraph.queries` of the queries asked, in order.
  package let queries: [Int]

  private let tokenizer: any Tokenizer
  private let maker: QuestionMaker
  private let scorer: AnswerScorer
  private let sampler: AnswerSampler
  private let ranker: CandidateRanker?
  private let pool: SessionPool

  /// Prepares a model to be asked about the nested `fraction` of a graph, in words it was trained
  /// on.
  ///
  /// Throws `LabError` naming the option that is impossible, or when memory is short, the model and
  /// the tokenizer do not fit, or a prompt exceeds the model's context; `CorpusError` for a name
  /// that the tokenizer cannot spell.
  package init(
    model: any AskedModel, tokenizer: any Tokenizer, graph: KnowledgeGraph, fraction: Double = 1,
    wording: Wording = .triple, options: EvaluationOptions = EvaluationOptions(), workers: Int = 1
  ) throws {
    try options.validate()
    let configuration = model.configuration
    guard tokenizer.vocabularySize <= configuration.vocabularySize else {
      throw LabError(
        "the tokenizer has \(tokenizer.vocabularySize) tokens, the model only "
          + "\(configuration.vocabularySize): they are not of the same run")
    }
    let text = try TripleText(
      graph: graph, tokenizer: tokenizer, wording: wording.asked(in: options.phrasing))
    let queries = graph.queries.indices.filter { graph.queries[$0].rank < fraction }
    let maker = QuestionMaker(graph: graph, text: text)
    try Self.checkRoom(maker, queries, contextLength: configuration.contextLength)
    self.maker = maker
    self.graph = graph
    self.options = options
    self.fraction = fraction
    self.queries = queries
    self.tokenizer = tokenizer
    scorer = AnswerScorer(
      temperatures: options.exactTemperatures, truncation: options.truncation)
    sampler = AnswerSampler(
      judge: AnswerJudge(graph: graph, tokenizer: tokenizer), options: options,
      maximumNewTokens: text.maximumNewTokens(graph))
    ranker = options.candidates.map {
      CandidateRanker(graph: graph, text: text, count: $0, seed: Seed(options.seed))
    }
    pool = try SessionPool(model, precision: options.precision, workers: workers)
  }

  /// Throws `LabError` for the first prompt that fills the context.
  private static func checkRoom(
    _ maker: QuestionMaker, _ queries: [Int], contextLength: Int
  ) throws {
    let graph = maker.graph
    for index in queries {
      let query = graph.queries[index]
      let prompt = maker.prompt(query)
      guard prompt.count < contextLength else {
        throw LabError(
          "the prompt for (\(graph.entities[Int(query.subject)].name), "
            + "\(graph.predicates[Int(query.predicate)].name)) has \(prompt.count) tokens, which "
            + "leaves no room for an answer in the model's context of \(contextLength); "
            + "was the model trained on another graph?")
      }
    }
  }

  // MARK: Measuring

  /// The outcomes of the queries at the given places of `queries`, in order.
  ///
  /// `places` begins at a multiple of 32, unless results need not equal those of a whole
  /// evaluation.
  package func outcomes(of places: Range<Int>) throws -> [QueryOutcome] {
    try outcomes(of: places, unless: { false }) ?? []
  }

  /// The same; nil where `shouldStop`, which any worker may call, said so on the way.
  package func outcomes(
    of places: Range<Int>, unless shouldStop: @Sendable () -> Bool
  ) throws -> [QueryOutcome]? {
    let (options, maker, scorer, sampler, ranker) = (options, maker, scorer, sampler, ranker)
    return try pool.map(Array(queries[places]), unless: shouldStop) { unit, session in
      let asked = unit.map { maker.question(maker.graph.queries[$0]) }
      let exact = try scorer.score(asked, in: session)
      let answers = try sampler.sample(asked, in: session)
      let ranked = try ranker?.rank(asked, in: session)
      return asked.indices.map { index in
        QueryOutcome(
          query: unit[index], exact: exact[index], answers: answers[index],
          sampled: sampler.judge.outcomes(
            of: answers[index], to: asked[index].query, temperatures: options.sampleTemperatures),
          ranked: ranked?[index] ?? [])
      }
    }
  }

  /// Measures what is not stored yet and returns the summary, which is stored as well.
  ///
  /// A finished evaluation is read back. Stops within a few queries when the work says so, by
  /// throwing `LabError.interrupted`; the same call continues, with the same rows in the end.
  package func run(
    in database: RunDatabase, weightsHash: String, checkpointStep: Int? = nil, work: Work = Work()
  ) throws -> EvaluationSummary {
    let identity = EvaluationIdentity(
      options: options, fraction: fraction, graphHash: graph.contentHash, weightsHash: weightsHash,
      checkpointStep: checkpointStep)
    if let summary = try database.summary(of: identity) { return summary }
    let evaluation = try database.begin(identity, queryCount: queries.count)
    try work.inBlocks(
      of: queries.count, from: evaluation.storedQueryCount, round: pool.roundSize,
      compute: { try outcomes(of: $0, unless: work.shouldStop) },
      store: { try database.store($0, of: evaluation.id, graph: graph) })
    let tallies = try database.tallies(of: evaluation.id, options: options, graph: graph)
    let summary = summary(of: tallies, identity, key: try identity.key)
    try database.complete(evaluation.id, with: summary)
    return summary
  }

  private func summary(
    of tallies: [QueryTally], _ identity: EvaluationIdentity, key: String
  ) -> EvaluationSummary {
    let tables = RateTables(
      graph: graph, fraction: fraction, options: options, tallies: tallies)
    return EvaluationSummary(
      key: key, options: options, fraction: fraction, graphHash: graph.contentHash,
      weightsHash: identity.weightsHash, checkpointStep: identity.checkpointStep,
      tokenizer: tokenizer.kind, queryCount: tallies.count,
      subjectCount: tables.subjectCount, rates: tables.rates(pool: pool.pool),
      verdicts: tables.verdicts(), coverage: tables.coverage(),
      grades: options.candidates == nil ? nil : tables.grades(),
      tableVersion: EvaluationSummary.currentTableVersion)
  }
}
