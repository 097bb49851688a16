package import Corpus
package import Foundation
package import KnowledgeGraph
import LabCore

/// When a run was, and will be, trained on the answers to one question.
package struct FactReport: Codable, Hashable, Sendable {
  /// What an object of the question is to the run.
  package enum Standing: String, Codable, Sendable {
    /// True and trained on.
    case trained
    /// True and never trained on.
    case heldOut = "held_out"
    /// True, and in the part of the graph that the run leaves out.
    case outsideFraction = "outside_fraction"
    /// Trained on without being true.
    case contradictory, stale
  }

  /// One object of the question.
  package struct Answer: Codable, Hashable, Sendable {
    /// The entity asked about; several may share its name.
    package let subjectID: Int32
    package let subjectType: String
    package let object: String
    package let standing: Standing
    /// Presentations in one epoch; 0 where it is not trained on.
    package let exposuresPerEpoch: Int
    /// Presentations up to the step that training has reached.
    package let seenCount: Int
    /// Presentations in the whole training.
    package let plannedCount: Int
    /// Those of the whole training, in order.
    package let presentations: [Presentation]

    enum CodingKeys: String, SnakeCaseKey {
      case object, standing, presentations, subjectID, subjectType, exposuresPerEpoch
      case seenCount = "seen"
      case plannedCount = "planned"
    }
  }

  package let subject: String
  package let predicate: String
  /// The step that training has reached: the last, or that of the newest checkpoint.
  package let step: Int
  package let stepCount: Int
  package let stepsPerEpoch: Int
  /// By subject, then object.
  package let answers: [Answer]

  enum CodingKeys: String, SnakeCaseKey {
    case subject, predicate, step, answers, stepsPerEpoch
    case stepCount = "steps"
  }

  /// How many entities are asked about: more than 1 where several share the subject's name.
  package var subjectCount: Int { Set(answers.map(\.subjectID)).count }
}

/// Answers when a fact is presented in a run, finished or not.
package struct FactLookup {
  private let graph: KnowledgeGraph
  private let schedule: BatchSchedule
  private let fraction: Double
  private let step: Int
  private let stepCount: Int

  /// Reads a run and its graph.
  ///
  /// Throws `LabError` for a folder without a run, a run that was not trained here, or a graph that
  /// is missing or another.
  package init(_ folder: URL, graph location: URL? = nil) throws {
    let run = try RunFolder.openAtAnyStep(folder)
    let (graph, schedule) = try run.schedule(graphAt: location)
    let reached =
      switch run.record.status {
      case .complete: run.record.stepCount
      case .diverged: (run.record.divergence?.step ?? 1) - 1
      case .training: CheckpointStore(runFolder: folder).steps.last ?? 0
      }
    self.init(graph: graph, schedule: schedule, step: reached, stepCount: run.record.stepCount)
  }

  /// A training of `stepCount` steps on a graph that has reached `step`.
  package init(graph: KnowledgeGraph, schedule: BatchSchedule, step: Int, stepCount: Int) {
    self.graph = graph
    self.schedule = schedule
    fraction = schedule.corpus.configuration.fraction
    self.step = step
    self.stepCount = stepCount
  }

  /// All objects of (subject, predicate, ?): true ones, held out or not, and false ones that are
  /// trained on.
  ///
  /// Throws `LabError` with the nearest names for a subject or predicate that is not there, and for
  /// a question that the graph has no triple for.
  package func report(subject: String, predicate: String) throws -> FactReport {
    let (subjects, relation) = try graph.resolve(subject, predicate)
    let found = subjects.flatMap { objects(of: $0, relation) }
    guard !found.isEmpty else { throw unanswered(subject, subjects, predicate) }
    let trained = found.compactMap(\.number)
    let presentations = Dictionary(
      uniqueKeysWithValues: zip(
        trained, schedule.presentations(ofTriples: trained, upTo: stepCount)))
    return FactReport(
      subject: subject, predicate: predicate, step: step, stepCount: stepCount,
      stepsPerEpoch: schedule.stepsPerEpoch,
      answers: found.map { answer($0, $0.number.flatMap { presentations[$0] } ?? []) })
  }

  private struct Object {
    let triple: Triple
    let standing: FactReport.Standing
    /// The statement's number in the corpus; nil where it is not trained on.
    let number: Int?
  }

  private func objects(of subject: Int32, _ predicate: Int32) -> [Object] {
    guard let query = graph.query(subject: subject, predicate: predicate) else { return [] }
    let corpus = schedule.corpus
    let isInside = query.rank < fraction
    var objects = graph.answers[query.answers].map { answer in
      let triple = Triple(subject: subject, predicate: predicate, object: answer.object)
      let number = isInside ? corpus.index(of: triple) : nil
      let standing: FactReport.Standing =
        !answer.isVisible ? .heldOut : isInside ? .trained : .outsideFraction
      return Object(triple: triple, standing: standing, number: answer.isVisible ? number : nil)
    }
    for falsehood in graph.falsehoods
    where falsehood.triple.subject == subject && falsehood.triple.predicate == predicate {
      let number = isInside ? corpus.index(of: falsehood.triple) : nil
      objects.append(
        Object(
          triple: falsehood.triple,
          standing: !isInside
            ? .outsideFraction : falsehood.noise == .stale ? .stale : .contradictory,
          number: number))
    }
    return objects
  }

  private func answer(_ object: Object, _ presentations: [Presentation]) -> FactReport.Answer {
    let subject = graph.entities[Int(object.triple.subject)]
    return FactReport.Answer(
      subjectID: object.triple.subject,
      subjectType: graph.entityTypes[Int(subject.type)].name,
      object: graph.entities[Int(object.triple.object)].name, standing: object.standing,
      exposuresPerEpoch: object.number.map { Int(schedule.corpus.statements[$0].exposures) } ?? 0,
      seenCount: presentations.count { $0.step <= step }, plannedCount: presentations.count,
      presentations: presentations)
  }

  private func unanswered(_ subject: String, _ subjects: [Int32], _ predicate: String) -> LabError {
    let known = graph.queries.filter { subjects.contains($0.subject) }
      .map { graph.predicates[Int($0.predicate)].name }
    let list = Set(known).sorted().map { "'\($0)'" }.joined(separator: ", ")
    return LabError(
      "the graph has no triple of '\(subject)' with '\(predicate)'; it has "
        + (list.isEmpty ? "none that begins with '\(subject)'" : "triples with \(list)"))
  }
}

extension RunFolder {
  /// The run's graph, from `location` where it was moved, and the schedule of its batches.
  ///
  /// Throws `LabError` for a run that was not trained here, or a graph that is missing or another.
  func schedule(graphAt location: URL?) throws -> (graph: KnowledgeGraph, schedule: BatchSchedule) {
    try requireTraining()
    let graph = try graph(at: location)
    return (graph, try schedule(on: graph, seed: record.configuration.dataSeed))
  }

  private func requireTraining() throws {
    guard record.configuration.training != .none else {
      throw LabError(
        "the model in \(url.path) was imported and not trained by kglab: it has no batches")
    }
  }

  /// The batches of its training on its graph, in the order of a seed.
  func schedule(on graph: KnowledgeGraph, seed: Seed) throws -> BatchSchedule {
    try requireTraining()
    let configuration = record.configuration
    var chosen: ChosenTriples?
    var answers: AnswerLines?
    switch configuration.corpus.source {
    case .graph: break
    case .chosen(let hash): chosen = try ChosenTriples.read(in: url, hash: hash)
    case .answers(let text):
      answers = try AnswerLines.read(in: url, text, of: record)
      try answers?.check(tokenizer, graph)
    }
    let corpus = try TrainingCorpus(
      graph: graph, tokenizer: tokenizer, configuration: configuration.corpus,
      chosen: chosen?.triples, lines: answers?.lines)
    return try corpus.schedule(
      tokensPerBatch: configuration.training.tokensPerStep, seed: seed)
  }
}
