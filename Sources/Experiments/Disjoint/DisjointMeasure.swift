import Analysis
import Compute
import Corpus
package import Detection
package import Evaluation
import Foundation
import GRDB
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// Whether attacks on a detector turn others too, of independent seeds and of such that were trained together not to share them, one of
/// which is deployed at random: `kglab disjoint`, `disjoint` in a study.
package struct DisjointMeasure: Measure {
  package static let name = "disjoint"
  package static let key = "disjoint"
  package static let version = 2
  package static let tables = [ResultTable.disjointTransfer, .disjointAccuracy]
  package static let settingNames =
    ModelSelection.settingNames + ["size", "weight", "epsilon", "sign_epsilon"]
    + DisjointSettings.ranges.map(\.name) + ["seed"]

  package var selection = ModelSelection()
  package var settings: DisjointSettings

  package init(_ settings: DisjointSettings = DisjointSettings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    settings = try DisjointSettings(study: node)
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let model = run.configuration.model
    let own = try ModelSize(named: settings.size).configuration(
      vocabularySize: model.vocabularySize, contextLength: model.contextLength)
    let share =
      Double(own.nonEmbeddingParameterCount) / Double(max(1, run.nonEmbeddingParameterCount))
    let members = Double(settings.memberCount)
    let teams = Double(settings.weights.count)
    let answers = Double(graph.queryCount * settings.sampleCount) * 0.6
    // Passes of a text: with penalties one for each detector, and twice two for each pair, thrice as dear as forward.
    let penalised = members * 4 + 2 * members * members
    let learned = answers * Double(settings.epochCount) * 3 * (members + teams * penalised)
    let attacks = Double(settings.exampleCount * settings.iterations)
    let tried = attacks * Double(settings.candidateCount) * members * (2 + teams)
    return .inference(
      run, sequences: 6 * share * (learned + tried),
      rowsOnDisk: Double(settings.exampleCount) * (1 + teams) * members * members)
  }

  private func identity(of subject: MeasuredRun) throws -> (DisjointIdentity, key: String) {
    let identity = DisjointIdentity(
      settings: settings, weights: subject.record.weightsHash ?? "")
    return (identity, try Self.storedKey(of: identity))
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(DisjointSummary.self, in: "disjoint", key: identity(of: subject).key)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return summary.rates.filter { $0.quantity == .deployed }.map {
      "\($0.words) \(Readable.percent($0.value))"
    }.joined(separator: ", ")
  }

  /// The folder in a run's folder that has detectors under way.
  private static let folderName = "disjoint"

  /// Trains and attacks detectors of a run's answers into its run.sqlite, or reads back what is there.
  ///
  /// Throws `LabError` for a model without a slot or with too few answers of a kind, and `LabError.interrupted` when
  /// stopped, after which the same call continues.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> DisjointSummary {
    let (identity, key) = try identity(of: subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(DisjointSummary.self, in: "disjoint", key: key)
    {
      return summary
    }
    let database = try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash)
    let folder = subject.folder.appendingPathComponent(Self.folderName)
      .appendingPathComponent(String(key.prefix(8)))
    let trial = try DisjointTrial(
      subject.open(), graph: subject.graph(), settings, storedIn: folder, work.part(0...0.5))
    let id = try database.begin(
      "disjoint", Self.tables + [.disjointAnswers], identity: identity, key: key)
    for (place, team) in trial.teams.enumerated() {
      let share = 0.5 / Double(trial.teams.count)
      let part = work.part(
        0.5 + share * Double(place)...min(1, 0.5 + share * Double(place + 1)), team.words + ": ")
      try attack(team, of: trial, in: database, id, part)
    }
    let rows = try database.disjointAnswers(of: id)
    let bootstrap = Bootstrap(seed: Seed(settings.seed), replicates: settings.resampleCount)
    let summary = DisjointSummary(
      key: key, identity: identity, parameterCount: trial.parameterCount,
      transfers: DisjointTransfer.all(of: rows), rates: DisjointRate.all(of: rows, bootstrap))
    try database.complete("disjoint", id, with: summary) {
      try ResultTable.disjointTransfer.insert(summary.transfers, of: id, in: $0)
      try ResultTable.disjointAccuracy.insert(summary.rates, of: id, in: $0)
    }
    try? FileManager.default.removeItem(at: folder)
    return summary
  }

  /// Attacks what is not stored yet of a team, a unit for each worker at a time.
  private func attack(
    _ team: DisjointTeam, of trial: DisjointTrial, in database: RunDatabase, _ id: Int64,
    _ work: Work
  ) throws {
    var next = try database.disjointExampleCount(of: id, team)
    let total = trial.examples.count
    guard next < total else { return }
    let pool = try WorkerPool(workerCount: work.workers)
    let victims = try (0..<work.workers).map { _ in try trial.victims(team) }
    while next < total {
      let starts = Array(
        stride(from: next, to: total, by: DisjointTrial.unitSize).prefix(work.workers))
      let units = try pool.map(pieces: starts.count) { worker, piece in
        try trial.rows(
          of: starts[piece]..<min(starts[piece] + DisjointTrial.unitSize, total), team,
          victims[worker], unless: work.shouldStop)
      }
      for (start, unit) in zip(starts, units) {
        guard let unit else {
          throw LabError.interrupted(
            "stopped after \(next) of \(total) answers, whose texts are stored")
        }
        try database.write { try ResultTable.disjointAnswers.insert(unit, of: id, in: $0) }
        next = min(start + DisjointTrial.unitSize, total)
      }
      work.report(Double(next) / Double(total), "\(next) of \(total) answers")
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
package struct DisjointSettings: Codable, Hashable, Sendable {
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

  /// The numbers with their ranges, by their names in a study, which with dashes are those of the options.
  package static let ranges:
    [(
      name: String, path: any WritableKeyPath<DisjointSettings, Int> & Sendable,
      range: ClosedRange<Int>
    )] = [
      ("detectors", \.memberCount, 2...8), ("samples", \.sampleCount, 1...1_000),
      ("full_epochs", \.epochCount, 1...10_000), ("examples", \.exampleCount, 1...1_000_000),
      ("iterations", \.iterations, 1...100_000), ("candidates", \.candidateCount, 1...1_000_000),
      ("resamples", \.resampleCount, 1...1_000_000),
    ]
  /// What is minimised at a weight.
  package func penalties(_ weight: Double) -> DisjointPenalties {
    var penalties = DisjointPenalties()
    (penalties.weight, penalties.epsilon, penalties.signEpsilon) = (weight, epsilon, signEpsilon)
    return penalties
  }

  /// Of the penalties' weight and of how far rows move.
  package static let penaltyRange = 0.0...1_000_000

  init(study node: SchemaNode) throws {
    func number(_ value: SchemaNode) throws -> Double {
      try value.number("between 0 and 1000000") { Self.penaltyRange.contains($0) }
    }
    if let value = node.optional("size") { size = try value.modelSize() }
    if let value = node.optional("weight") { weights = try value.distinct(number) }
    if let value = node.optional("epsilon") { epsilon = try number(value) }
    if let value = node.optional("sign_epsilon") { signEpsilon = try number(value) }
    if let value = node.optional("seed") { seed = UInt64(try value.integer(in: 0...Int.max)) }
    for (name, path, range) in Self.ranges {
      if let value = node.optional(name) { self[keyPath: path] = try value.integer(in: range) }
    }
  }
}
