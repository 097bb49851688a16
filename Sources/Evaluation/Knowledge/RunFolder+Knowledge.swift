import Analysis
import Corpus
import Foundation
package import KnowledgeGraph
package import LabCore
package import Training

/// Everything that decides what `kglab knowledge` says.
struct KnowledgeIdentity: Codable, Hashable, Sendable {
  /// Raised when the same scores would give other numbers.
  private var version = 1
  let scoring: String
  let fraction: Double
  let options: KnowledgeOptions

  /// What decides it for a run, or a checkpoint, with this record.
  init(_ record: RunRecord, _ options: KnowledgeOptions) throws {
    scoring = try ScoringIdentity(
      weightsHash: record.weightsHash ?? "", graphHash: record.configuration.graphHash,
      precision: options.precision
    ).key
    fraction = record.configuration.corpus.fraction
    self.options = options
  }

  /// SHA-256 of the canonical JSON, 64 digits.
  var key: String { get throws { try CanonicalJSON.hash(self).hex } }
}

extension RunFolder {
  /// Measures what the run's model, or the checkpoint it was opened for, knows, into run.sqlite, or
  /// reads it back.
  ///
  /// `graph` saves loading it again. Throws `LabError.interrupted` when stopped, after which the
  /// same call continues.
  package func knowledge(
    _ options: KnowledgeOptions = KnowledgeOptions(), graph: KnowledgeGraph? = nil,
    work: Work = Work()
  ) throws -> KnowledgeSummary {
    guard (1...1_000).contains(options.bins) else {
      throw LabError("bins is \(options.bins); it must be between 1 and 1000", .usage)
    }
    let fraction = record.configuration.corpus.fraction
    let weightsHash = record.weightsHash ?? ""
    let key = try KnowledgeIdentity(record, options).key
    if let summary = try? RunDatabase.stored(in: url)?
      .summary(KnowledgeSummary.self, in: "knowledge", key: key)
    {
      return summary
    }
    let database = try RunDatabase.open(in: url, graphHash: record.configuration.graphHash)
    if let summary = try database.summary(KnowledgeSummary.self, in: "knowledge", key: key) {
      return summary
    }
    let graph = try graph ?? self.graph()
    let queries = graph.queries.indices.filter { graph.queries[$0].rank < fraction }
    var made: FactScorer?
    func scorer() throws -> FactScorer {
      if let made { return made }
      let scorer = try factScorer(graph: graph, precision: options.precision, workers: work.workers)
      made = scorer
      return scorer
    }
    let scoring = try ScoringRun(
      database: database, graph: graph, precision: options.precision
    ).run(queries, weightsHash: weightsHash, scorer: scorer, work: work.part(0...0.9))
    let asked = Set(queries)
    let scores = try database.scores(of: scoring, graph: graph).filter { asked.contains($0.query) }
    let candidates = CandidateDraw(graph: graph)
    let facts = ReversedFacts(graph: graph, queries: queries)
    let reversed = try database.reversals(
      facts.facts, of: scoring, graph: graph, candidates: candidates, scorer: scorer,
      work: work.part(0.9...1, "reversed, "))
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
