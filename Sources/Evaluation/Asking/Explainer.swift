import Corpus
import Foundation
package import KnowledgeGraph
import LabCore
import LanguageModel
package import Training

/// Explains a run's answers to single questions.
package struct Explainer {
  private let graph: KnowledgeGraph
  private let inquirer: Inquirer
  private let puller: FactPuller
  private let fraction: Double
  private let epochs: Double
  private let database: RunDatabase?

  /// Loads the run's model, or the checkpoint it was opened for; `graph` is the run's.
  ///
  /// Throws `LabError` when memory is short or a file is damaged.
  package init(_ run: RunFolder, graph: KnowledgeGraph) throws {
    self.graph = graph
    let (model, wording) = (try run.loadModel(), run.record.configuration.corpus.wording)
    inquirer = try Inquirer(
      model: model, tokenizer: run.tokenizer, graph: graph, wording: wording)
    puller = try FactPuller(model, tokenizer: run.tokenizer, graph: graph, wording: wording)
    fraction = run.record.configuration.corpus.fraction
    epochs = run.record.epochCount
    // Scores are of the finished model's answers.
    database = run.checkpointStep == nil ? try RunDatabase.read(in: run.url) : nil
  }

  /// The `top` likeliest answers with what is known of them, and for each wrong one up to `nearest`
  /// subjects that it is said of and up to `pulls` facts that pull towards it.
  ///
  /// Throws `LabError` with the nearest names for an unknown subject or predicate.
  package func explain(
    subject: String, predicate: String, top: Int = 5, nearest: Int = 5, pulls: Int = 3
  ) throws -> Explanation {
    let inquiry = try inquirer.ask(subject: subject, predicate: predicate, top: top)
    let (subjects, relation) = try graph.resolve(subject, predicate)
    let queries = subjects.compactMap { graph.query(subject: $0, predicate: relation) }
    let best = inquiry.truth.first.flatMap { graph.entities(named: $0.text).first }
    let lens = try inquirer.lens(subject: subjects[0], predicate: relation, answer: best)
    return Explanation(
      inquiry: inquiry, truth: inquiry.truth.map { explained($0, queries) },
      borrowed: try borrowed(
        inquiry, of: subject, (subjects[0], relation), nearest: nearest, pulls: pulls),
      lensToken: lens.token,
      lens: lens.layers, detectorScores: try database?.detectorScores(of: queries, in: graph) ?? [])
  }

  /// A true answer with what the graph has of it; of several with its name, the one most presented.
  private func explained(_ answer: TrueAnswer, _ queries: [Query]) -> ExplainedTruth {
    let names = Set(graph.entities(named: answer.text))
    let own = queries.flatMap { query in
      graph.answers[query.answers].filter { names.contains($0.object) }.map { (query, $0) }
    }
    func exposures(_ entry: (query: Query, answer: Answer)) -> Int {
      entry.answer.isVisible && entry.query.rank < fraction ? Int(entry.answer.exposures) : 0
    }
    let entry = own.max { exposures(($0.0, $0.1)) < exposures(($1.0, $1.1)) }
    let count = entry.map { exposures(($0.0, $0.1)) } ?? 0
    return ExplainedTruth(
      text: answer.text, probability: answer.probability, isTrained: count > 0, exposures: count,
      presentations: Double(count) * epochs,
      bits: entry.flatMap { $0.1.bits.isFinite ? $0.1.bits : nil },
      derivation: entry?.1.derivation, isInferable: entry?.1.isInferable ?? false)
  }

  /// The wrong answers that name an entity, with the subjects that training says them of.
  private func borrowed(
    _ inquiry: Inquiry, of subject: String, _ asked: (subject: Int32, predicate: Int32),
    nearest: Int, pulls: Int
  ) throws -> [BorrowedAnswer] {
    let wrong = inquiry.answers.filter {
      $0.verdict == .wrongObject || $0.verdict == .wrongType
    }
    guard !wrong.isEmpty else { return [] }
    let statements = graph.statements(fraction: fraction).filter {
      $0.triple.predicate == asked.predicate
    }
    let others = statements.filter { graph.entities[Int($0.triple.subject)].name != subject }
    let found =
      pulls == 0
      ? nil
      : try puller.pulls(
        subject: asked.subject, predicate: asked.predicate,
        answers: wrong.map { graph.entities(named: $0.text)[0] }, among: others, top: pulls)
    return wrong.enumerated().map { place, answer in
      let objects = Set(graph.entities(named: answer.text))
      let lenders = statements.filter { objects.contains($0.triple.object) }.map { statement in
        let name = graph.entities[Int(statement.triple.subject)].name
        return Lender(
          subject: name,
          distance: Suggestion.distance(name.lowercased(), subject.lowercased()),
          exposures: Int(statement.exposures), noise: statement.noise)
      }.sorted { ($0.distance, $0.subject) < ($1.distance, $1.subject) }
      return BorrowedAnswer(
        answer: answer.text, probability: answer.probability, verdict: answer.verdict,
        lenderCount: lenders.count, lenders: Array(lenders.prefix(nearest)),
        pulls: found?.pulls[place] ?? [], searchedCount: found?.searched ?? 0)
    }
  }
}
