import Corpus
package import KnowledgeGraph
package import LabCore
package import Training

extension RunFolder {
  /// Evaluates the run's model, or the checkpoint it was opened for, on its graph into run.sqlite,
  /// or reads back what is stored.
  ///
  /// `graph` saves loading it again; by default it is opened from where training found it. Throws
  /// `LabError.interrupted` when stopped, after which the same call continues.
  package func evaluate(
    _ options: EvaluationOptions = EvaluationOptions(), graph: KnowledgeGraph? = nil,
    work: Work = Work()
  ) throws -> EvaluationSummary {
    try options.validate()
    let identity = EvaluationIdentity(
      options: options, of: record, checkpointStep: checkpointStep)
    if let summary = try? RunDatabase.stored(in: url)?.summary(of: identity) { return summary }
    let configuration = record.configuration
    let database = try RunDatabase.open(in: url, graphHash: configuration.graphHash)
    if let summary = try database.summary(of: identity) { return summary }
    let evaluator = try Evaluator(
      model: askedModel(), tokenizer: tokenizer, graph: graph ?? self.graph(),
      fraction: configuration.corpus.fraction, wording: configuration.corpus.wording,
      options: options, workers: work.workers)
    return try evaluator.run(
      in: database, weightsHash: identity.weightsHash, checkpointStep: checkpointStep, work: work)
  }
}
