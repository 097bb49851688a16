import Analysis
import Compute
import Corpus
package import Detection
package import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// Whether attacks on a detector turn others too, of independent seeds and of such that were
/// trained together not to share them, one of which is deployed at random: `kglab disjoint`,
/// `disjoint` in a study.
package struct DisjointMeasure: ListedMeasure, StoredMeasure {
  package static let name = "disjoint"
  package static let key = "disjoint"
  package static let version = 2
  package static let needs: TrainingNeed? = .slot
  package static let header = "disjoint"
  package static let tables = [ResultTable.disjointTransfer, .disjointAccuracy]

  package var selection = ModelSelection()
  package var settings: DisjointSettings

  package init(_ settings: DisjointSettings = DisjointSettings()) { self.settings = settings }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let model = run.configuration.model
    let own = try ModelSize(named: settings.size).configuration(
      vocabularySize: model.vocabularySize, contextLength: model.contextLength)
    let share =
      Double(own.nonEmbeddingParameterCount) / Double(max(1, run.nonEmbeddingParameterCount))
    let members = Double(settings.memberCount)
    let teams = Double(settings.weights.count)
    let answers = Double(graph.queryCount * settings.sampleCount) * 0.6
    // Passes of a text: with penalties one for each detector, and twice two for each pair, thrice
    // as dear as forward.
    let penalised = members * 4 + 2 * members * members
    let learned = answers * Double(settings.epochCount) * 3 * (members + teams * penalised)
    let attacks = Double(settings.exampleCount * settings.iterations)
    let tried = attacks * Double(settings.candidateCount) * members * (2 + teams)
    return .inference(
      run, sequences: 6 * share * (learned + tried),
      rowsOnDisk: Double(settings.exampleCount) * (1 + teams) * members * members)
  }

  package func identity(of subject: MeasuredRun) -> DisjointIdentity {
    DisjointIdentity(settings: settings, weights: subject.record.weightsHash ?? "")
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return summary.rates.filter { $0.quantity == .deployed }.map {
      "\($0.words) \(Readable.percent($0.value))"
    }.joined(separator: ", ")
  }

  /// The folder in a run's folder that has detectors under way.
  private static let folderName = "disjoint"

  /// Trains and attacks detectors of a run's answers.
  ///
  /// Throws `LabError` for a model without a slot or with too few answers of a kind.
  package func measured(
    _ subject: MeasuredRun, _ identity: DisjointIdentity, key: String, _ work: Work
  ) throws -> DisjointSummary {
    let folder = subject.folder.appendingPathComponent(Self.folderName)
      .appendingPathComponent(String(key.prefix(8)))
    let trial = try DisjointTrial(
      subject.open(), graph: subject.graph(), settings, storedIn: folder, work.part(0...0.5))
    let (database, id) = try begun(subject, identity, key: key, [.disjointAnswers])
    for (place, team) in trial.teams.enumerated() {
      let part = work.part(0.5...1).part(place, of: trial.teams.count, team.words + ": ")
      try attack(team, of: trial, in: database, id, part)
    }
    let rows = try database.disjointAnswers(of: id)
    let bootstrap = Bootstrap(seed: Seed(settings.seed), replicates: settings.resampleCount)
    let summary = DisjointSummary(
      key: key, identity: identity, parameterCount: trial.parameterCount,
      transfers: DisjointTransfer.all(of: rows), rates: DisjointRate.all(of: rows, bootstrap))
    try? FileManager.default.removeItem(at: folder)
    return summary
  }

  package static func rows(of summary: DisjointSummary) -> [ResultRows] {
    [
      ResultRows(.disjointTransfer, summary.transfers),
      ResultRows(.disjointAccuracy, summary.rates),
    ]
  }

  /// Attacks what is not stored yet of a team, a unit for each worker at a time.
  private func attack(
    _ team: DisjointTeam, of trial: DisjointTrial, in database: RunDatabase, _ id: Int64,
    _ work: Work
  ) throws {
    let done = try database.disjointExampleCount(of: id, team)
    guard done < trial.examples.count else { return }
    let pool = try WorkerPool(workerCount: work.workers)
    let victims = try (0..<work.workers).map { _ in try trial.victims(team) }
    try work.inUnits(
      of: trial.examples.count, from: done, size: DisjointTrial.unitSize,
      "answers, whose texts are stored", on: pool
    ) { worker, items in
      try trial.rows(of: items, team, victims[worker], unless: work.shouldStop)
    } store: { rows in
      try database.write { try ResultTable.disjointAnswers.insert(rows, of: id, in: $0) }
    }
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let figures = DisjointFigure(results: results, command: command)
    let drawn = try [figures.figure(), figures.byWeight()].filter { !$0.data.rows.isEmpty }
    return drawn.isEmpty
      ? [] : [ReportSection("Detectors deployed at random", drawn.map(Block.figure))]
  }
}

/// What decides detectors that are trained together, beside the run.
package struct DisjointSettings: StudySettings {
  /// Of the detectors, one of the dial.
  package var size = "3k"
  /// Of the penalties: detectors are trained together at each.
  package var weights = [DisjointPenalties().weight]
  /// How far one-hot rows move along a gradient, and along its sign.
  package var epsilon = DisjointPenalties().epsilon
  package var signEpsilon = DisjointPenalties().signEpsilon
  package var memberCount = 3
  /// Answers of each query that are learned from, and how often.
  package var sampleCount = 4
  package var epochCount = 5
  /// Answers that are judged and attacked.
  package var exampleCount = 100
  /// Of GCG.
  package var iterations = 10
  package var candidateCount = 64
  /// Resamples of the subjects behind intervals.
  package var resampleCount = 1_000
  package var seed: UInt64 = 0

  package init() {}

  enum CodingKeys: String, CodingKey {
    case size, epsilon, iterations, seed
    case weights = "weight"
    case signEpsilon = "sign_epsilon"
    case memberCount = "detectors"
    case sampleCount = "samples"
    case epochCount = "full_epochs"
    case exampleCount = "examples"
    case candidateCount = "candidates"
    case resampleCount = "resamples"
  }

  package static let all: [StudySetting<DisjointSettings>] = [
    StudySetting("size", \.size) { try $0.modelSize() },
    StudySetting("weight", \.weights) { try $0.distinct(penalty) },
    StudySetting("epsilon", \.epsilon, penalty),
    StudySetting("sign_epsilon", \.signEpsilon, penalty),
    .seed(\.seed), StudySetting("detectors", \.memberCount, in: 2...8),
    StudySetting("samples", \.sampleCount, in: 1...1_000),
    StudySetting("full_epochs", \.epochCount, in: 1...10_000),
    StudySetting("examples", \.exampleCount, in: 1...1_000_000),
    StudySetting("iterations", \.iterations, in: 1...100_000),
    StudySetting("candidates", \.candidateCount, in: 1...1_000_000),
    .resamples(\.resampleCount, atLeast: 1),
  ]

  @Sendable private static func penalty(_ node: SchemaNode) throws -> Double {
    try node.number("between 0 and 1000000") { penaltyRange.contains($0) }
  }

  /// What is minimised at a weight.
  package func penalties(_ weight: Double) -> DisjointPenalties {
    var penalties = DisjointPenalties()
    (penalties.weight, penalties.epsilon, penalties.signEpsilon) = (weight, epsilon, signEpsilon)
    return penalties
  }

  /// Of the penalties' weight and of how far rows move.
  package static let penaltyRange = 0.0...1_000_000
}
