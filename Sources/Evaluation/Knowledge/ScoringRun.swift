import Compute
import Corpus
import KnowledgeGraph
import LabCore
import Training

/// One model's scores of facts in run.sqlite, made as far as they are not there.
struct ScoringRun {
  let database: RunDatabase
  let graph: KnowledgeGraph
  let precision: Precision

  /// Scores the queries that are not stored yet; returns the scoring's id.
  ///
  /// `scorer` is called for only if there is anything to do. Throws `LabError.interrupted` within a
  /// few queries when the work is to stop; what was done is stored.
  func run(
    _ queries: [Int], weightsHash: String, scorer: () throws -> FactScorer, work: Work
  ) throws -> Int64 {
    let identity = ScoringIdentity(
      weightsHash: weightsHash, graphHash: graph.contentHash, precision: precision)
    let scoring = try database.scoring(identity)
    let stored = try database.scoredQueries(scoring)
    let missing = queries.filter { !stored.contains($0) }
    guard !missing.isEmpty else { return scoring }
    let scorer = try scorer()
    let done = queries.count - missing.count
    try work.inBlocks(
      of: queries.count, from: done, round: scorer.roundSize,
      compute: { range in
        try scorer.scores(
          of: Array(missing[(range.lowerBound - done)..<(range.upperBound - done)]),
          unless: work.shouldStop)
      }, store: { try database.store($0, of: scoring, graph: graph) })
    return scoring
  }
}

extension RunFolder {
  /// A scorer of the weights this folder was opened for.
  func factScorer(graph: KnowledgeGraph, precision: Precision, workers: Int) throws -> FactScorer {
    try FactScorer(
      model: loadModel(), tokenizer: tokenizer, graph: graph,
      wording: record.configuration.corpus.wording, precision: precision, workers: workers)
  }
}
