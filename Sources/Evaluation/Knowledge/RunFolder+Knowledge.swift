import Analysis
import Corpus
import Foundation
package import KnowledgeGraph
import LabCore
package import Training

/// Everything that decides what `kglab knowledge` says.
struct KnowledgeIdentity: Codable, Hashable, Sendable {
  /// Raised when the same scores would give other numbers.
  private var version = 1
  let scoring: String
  let fraction: Double
  let options: KnowledgeOptions

  init(scoring: String, fraction: Double, options: KnowledgeOptions) {
    self.scoring = scoring
    self.fraction = fraction
    self.options = options
  }

  /// SHA-256 of the canonical JSON, 64 digits.
  var key: String { get throws { try CanonicalJSON.hash(self).hex } }
}

extension RunFolder {
  /// Measures what the run's model, or the checkpoint it was opened for, knows, into run.sqlite, or reads it back.
  ///
  /// `graph` saves loading it again. Throws `LabError.interrupted` when stopped, after which the same call
  /// continues.
  package func knowledge(
    _ options: KnowledgeOptions = KnowledgeOptions(), graph: KnowledgeGraph? = nil,
    workers: Int = 1, onProgress: (EvaluationProgress) -> Void = { _ in },
    shouldStop: @Sendable () -> Bool = { Interruption.isRequested }
  ) throws -> KnowledgeSummary {
    guard (1...1_000).contains(options.bins) else {
      throw LabError("bins is \(options.bins); it must be between 1 and 1000", .usage)
    }
    let fraction = record.configuration.corpus.fraction
    let weightsHash = record.weightsHash ?? ""
    let identity = ScoringIdentity(
      weightsHash: weightsHash, graphHash: record.configuration.graphHash,
      precision: options.precision)
    let key = try KnowledgeIdentity(
      scoring: identity.key, fraction: fraction, options: options
    ).key
    if let summary = try? RunDatabase.stored(in: url)?.knowledge(key: key) { return summary }
    let database = try RunDatabase.open(in: url, graphHash: record.configuration.graphHash)
    if let summary = try database.knowledge(key: key) { return summary }
    let graph = try graph ?? self.graph()
    let queries = graph.queries.indices.filter { graph.queries[$0].rank < fraction }
    var made: FactScorer?
    func scorer() throws -> FactScorer {
      if let made { return made }
      let scorer = try factScorer(graph: graph, precision: options.precision, workers: workers)
      made = scorer
      return scorer
    }
    let scoring = try ScoringRun(
      database: database, graph: graph, precision: options.precision, workers: workers
    ).run(
      queries, weightsHash: weightsHash, scorer: scorer, onProgress: onProgress,
      shouldStop: shouldStop)
    let asked = Set(queries)
    let scores = try database.scores(of: scoring).filter { asked.contains($0.query) }
    let candidates = CandidateDraw(graph: graph)
    let facts = ReversedFacts(graph: graph, queries: queries)
    let reversed = try database.reversals(
      facts.facts, of: scoring, graph: graph, candidates: candidates, scorer: scorer,
      shouldStop: shouldStop)
    let bootstrap = Bootstrap(
      seed: Seed(options.seed).derived("knowledge"), replicates: max(1, options.resampleCount))
    let bits = KnowledgeBits(graph: graph, fraction: fraction, scores: scores, bootstrap: bootstrap)
    let verdicts = Dictionary(
      uniqueKeysWithValues: scores.map { ($0.query, !$0.greedyVerdict.isHallucination) })
    let summary = KnowledgeSummary(
      key: key, options: options, graphHash: graph.contentHash, weightsHash: weightsHash,
      checkpointStep: checkpointStep, parameterCount: record.parameterCount,
      nonEmbeddingParameterCount: record.nonEmbeddingParameterCount, epochs: record.epochCount,
      reference: bits.hasGeneratorBits ? "generator" : "object_frequencies",
      storedBits: bits.rows(),
      singletons: SingletonBound(
        graph: graph, fraction: fraction, scores: scores, candidates: candidates),
      reversal: ReversalTest(facts, reversed, graph: graph, bootstrap: bootstrap) { verdicts[$0] },
      calibration: CalibrationRow.table(
        scores, graph: graph, bins: options.bins, bootstrap: bootstrap))
    try database.store(summary, scoring: scoring)
    return summary
  }
}
