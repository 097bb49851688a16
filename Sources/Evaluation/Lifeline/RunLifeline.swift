package import Compute
import Corpus
package import Foundation
package import KnowledgeGraph
package import LabCore
import Training

/// Which facts of which run are followed through training.
package struct LifelineRequest: Sendable {
  package let folder: URL
  /// (subject, predicate) names; nil for every query the run was asked.
  package var facts: [(subject: String, predicate: String)]?
  package var precision: Precision
  /// Where the graph is, if not where training found it.
  package var graphURL: URL?

  package init(
    folder: URL, facts: [(subject: String, predicate: String)]? = nil,
    precision: Precision = .fp32, graphURL: URL? = nil
  ) {
    self.folder = folder
    self.facts = facts
    self.precision = precision
    self.graphURL = graphURL
  }
}

/// Everything that decides a life-line.
private struct LifelineIdentity: Encodable {
  let version = 1
  let graphHash: String
  let fraction: Double
  let precision: Precision
  let steps: [Int]
  let weights: [String]
  /// Indices in `KnowledgeGraph.queries`; nil for all.
  let queries: [Int]?

  enum CodingKeys: String, SnakeCaseKey {
    case version, fraction, precision, steps, queries, graphHash
    case weights = "weights_sha256"
  }
}

extension LifelineRequest {
  /// Asks every kept checkpoint, and the finished model, what is not stored yet, and stores the
  /// life-lines.
  ///
  /// `graph` saves loading it again. Throws `LabError` where the run keeps no checkpoint or a name
  /// is unknown, and `LabError.interrupted` when stopped, after which the same call continues.
  package func run(
    on graph: KnowledgeGraph? = nil, work: Work = Work()
  ) throws -> LifelineSummary {
    let folders = try folders()
    guard let first = folders.first?.folder else {
      throw LabError(
        "\(folder.path) keeps no checkpoint to follow facts through; train with --keep-steps log")
    }
    let configuration = first.record.configuration
    let graph = try graph ?? first.graph(at: graphURL)
    let fraction = configuration.corpus.fraction
    let asked = try facts.map { try chosen($0, in: graph) }
    let queries = asked ?? graph.queries.indices.filter { graph.queries[$0].rank < fraction }
    let identity = identity(of: folders, first.record, queries: asked)
    let key = try CanonicalJSON.hash(identity).hex
    if let summary = try? RunDatabase.stored(in: folder)?
      .summary(LifelineSummary.self, in: "lifeline", key: key)
    {
      return summary
    }
    let database = try RunDatabase.open(in: folder, graphHash: configuration.graphHash)
    if let summary = try database.summary(LifelineSummary.self, in: "lifeline", key: key) {
      return summary
    }
    let run = ScoringRun(
      database: database, graph: graph, precision: precision)
    var scorings: [(step: Int, scoring: Int64)] = []
    for (index, (step, folder)) in folders.enumerated() {
      let share = { (done: Int) in Double(done) / Double(folders.count) }
      let scoring = try run.run(
        queries, weightsHash: folder.record.weightsHash ?? "",
        scorer: {
          try folder.factScorer(graph: graph, precision: precision, workers: work.workers)
        },
        work: work.part(share(index)...share(index + 1), "step \(step), "))
      scorings.append((step, scoring))
    }
    let lifelines = try database.lifelines(
      of: queries, steps: scorings, isChosen: asked != nil, graph: graph)
    let summary = LifelineSummary(
      key: key, steps: folders.map(\.step), lifelines: lifelines, isChosen: asked != nil)
    try database.store(
      summary, lifelines: lifelines, queries: queries, steps: scorings,
      identity: String(decoding: try CanonicalJSON.compact(identity), as: UTF8.self))
    return summary
  }

  private func identity(
    of folders: [(step: Int, folder: RunFolder)], _ record: RunRecord, queries: [Int]?
  ) -> LifelineIdentity {
    LifelineIdentity(
      graphHash: record.configuration.graphHash, fraction: record.configuration.corpus.fraction,
      precision: precision, steps: folders.map(\.step),
      weights: folders.map { $0.folder.record.weightsHash ?? "" }, queries: queries)
  }

  /// The key under which the life-line of all facts is stored once it is there; nil where no
  /// checkpoint is kept.
  func keyOfAll() throws -> String? {
    let folders = try folders()
    return try folders.first.map {
      try CanonicalJSON.hash(identity(of: folders, $0.folder.record, queries: nil)).hex
    }
  }

  /// Every kept step in rising order, the finished model last.
  private func folders() throws -> [(step: Int, folder: RunFolder)] {
    guard let record = try RunFolder.readRecord(folder) else {
      throw LabError("\(folder.path) holds no run (no run.json); make one with kglab train")
    }
    var steps = try RunFolder.checkpointSteps(folder).map { step in
      (step, try RunFolder.open(folder, checkpoint: step))
    }
    if record.status == .complete, steps.last?.0 != record.stepCount {
      guard !steps.isEmpty else { return [] }
      steps.append((record.stepCount, try RunFolder.open(folder)))
    }
    return steps
  }

  /// The queries meant by names, each once, in order.
  private func chosen(
    _ facts: [(subject: String, predicate: String)], in graph: KnowledgeGraph
  ) throws -> [Int] {
    var found: Set<Int> = []
    for fact in facts {
      let question = try graph.resolve(fact.subject, fact.predicate)
      let own = graph.queries.indices.filter {
        graph.queries[$0].predicate == question.predicate
          && question.subjects.contains(graph.queries[$0].subject)
      }
      guard !own.isEmpty else {
        throw LabError(
          "the graph holds no answer to (\(fact.subject), \(fact.predicate), ?), so there is no fact "
            + "to follow")
      }
      found.formUnion(own)
    }
    return found.sorted()
  }
}
