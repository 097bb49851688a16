import Compute
import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import Training

/// One model's scores of facts in run.sqlite, made as far as they are not there.
struct ScoringRun {
  let database: RunDatabase
  let graph: KnowledgeGraph
  let precision: Precision
  let workers: Int

  /// Scores the queries that are not stored yet; returns the scoring's id.
  ///
  /// `scorer` is called for only if there is anything to do. Throws `LabError.interrupted` within a few queries when
  /// `shouldStop` says so; what was done is stored.
  func run(
    _ queries: [Int], weightsHash: String, scorer: () throws -> FactScorer,
    onProgress: (EvaluationProgress) -> Void, shouldStop: @Sendable () -> Bool
  ) throws -> Int64 {
    let identity = ScoringIdentity(
      weightsHash: weightsHash, graphHash: graph.contentHash, precision: precision)
    let scoring = try database.scoring(identity)
    let stored = try database.scoredQueries(scoring)
    let missing = queries.filter { !stored.contains($0) }
    guard !missing.isEmpty else { return scoring }
    let scorer = try scorer()
    let watch = Stopwatch()
    var done = 0
    while done < missing.count {
      let end = min(done + scorer.roundSize, missing.count)
      guard let scores = try scorer.scores(of: Array(missing[done..<end]), unless: shouldStop)
      else {
        throw LabError.interrupted(
          "stopped with \(queries.count - missing.count + done) of \(queries.count) queries scored, "
            + "whose results are stored")
      }
      for start in stride(from: 0, to: scores.count, by: SessionPool.blockSize) {
        let block = scores[start..<min(start + SessionPool.blockSize, scores.count)]
        try database.store(Array(block), of: scoring, graph: graph)
      }
      done = end
      let pace = watch.seconds / Double(done)
      onProgress(
        EvaluationProgress(
          queryCount: queries.count, doneQueryCount: queries.count - missing.count + done,
          secondsLeft: pace * Double(missing.count - done)))
    }
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
