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
  package static let version = 1
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
    let answers = Double(graph.queryCount * settings.sampleCount) * 0.6
    // Passes of a text: with penalties one for each detector, and twice two for each pair, thrice as dear as forward.
    let learned = answers * Double(settings.epochCount) * 3 * (members * 5 + 2 * members * members)
    let attacks = Double(settings.exampleCount * settings.iterations)
    let tried = attacks * Double(settings.candidateCount) * (3 * members)
    return .inference(
      run, sequences: 6 * share * (learned + tried),
      rowsOnDisk: Double(settings.exampleCount) * 2 * members * members)
  }

  private func identity(of subject: MeasuredRun) -> DisjointIdentity {
    DisjointIdentity(settings: settings, weights: subject.record.weightsHash ?? "")
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(Self.self, of: identity(of: subject), as: DisjointSummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return summary.rates.filter { $0.quantity == .deployed }.map {
      "\($0.detectors) \(Readable.percent($0.value))"
    }.joined(separator: ", ")
  }

  /// Trains and attacks detectors of a run's answers into its run.sqlite, or reads back what is there.
  ///
  /// Throws `LabError` for a model without a slot or with too few answers of a kind, and `LabError.interrupted` when
  /// stopped, after which nothing is stored.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> DisjointSummary {
    let identity = identity(of: subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: DisjointSummary.self)
    {
      return summary
    }
    let trial = try DisjointTrial(subject.open(), graph: subject.graph(), settings, work)
    var rows: [DisjointAnswerRow] = []
    for (place, group) in DisjointGroup.allCases.enumerated() {
      rows += try trial.rows(
        of: group, work.part(0.5 + Double(place) / 6...0.5 + Double(place + 1) / 6))
    }
    let bootstrap = Bootstrap(seed: Seed(settings.seed), replicates: settings.resampleCount)
    let summary = DisjointSummary(
      key: try Self.storedKey(of: identity), identity: identity,
      parameterCount: trial.parameterCount, transfers: DisjointTransfer.all(of: rows),
      rates: DisjointRate.all(of: rows, bootstrap))
    try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash
    ).store(Self.self, identity: identity, summary: summary) { measurement, database in
      try database.execute(sql: ResultTable.disjointAnswers.definition)
      try ResultTable.disjointTransfer.insert(summary.transfers, of: measurement, in: database)
      try ResultTable.disjointAccuracy.insert(summary.rates, of: measurement, in: database)
      try ResultTable.disjointAnswers.insert(rows, of: measurement, in: database)
    }
    return summary
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let figure = try DisjointFigure(results: results, command: command).figure()
    return figure.data.rows.isEmpty
      ? [] : [ReportSection("Detectors deployed at random", [.figure(figure)])]
  }
}

/// What decides detectors that are trained together, beside the run.
package struct DisjointSettings: Codable, Hashable, Sendable {
  /// Of the detectors, one of the dial.
  package var size = "3k"
  package var penalties = DisjointPenalties()
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
    case size, penalties, iterations, seed
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
  /// Of the penalties' weight and of how far rows move.
  package static let penaltyRange = 0.0...1_000_000

  init(study node: SchemaNode) throws {
    if let value = node.optional("size") { size = try value.modelSize() }
    for (name, path) in [
      ("weight", \DisjointPenalties.weight), ("epsilon", \.epsilon),
      ("sign_epsilon", \.signEpsilon),
    ] {
      guard let value = node.optional(name) else { continue }
      penalties[keyPath: path] = try value.number("between 0 and 1000000") {
        Self.penaltyRange.contains($0)
      }
    }
    if let value = node.optional("seed") { seed = UInt64(try value.integer(in: 0...Int.max)) }
    for (name, path, range) in Self.ranges {
      if let value = node.optional(name) { self[keyPath: path] = try value.integer(in: range) }
    }
  }
}
