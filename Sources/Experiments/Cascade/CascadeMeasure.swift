import Corpus
package import Detection
package import Evaluation
import Foundation
import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// What a small model gains by deferring its least certain answers to a large one: `kglab cascade`,
/// `cascade` in a study.
package struct CascadeMeasure: ListedMeasure {
  package static let name = "cascade"
  package static let key = "cascade"
  package static let version = 3
  package static let tables = [
    ResultTable.cascadePoints, .cascadeAreas, .cascadeDeciles, .cascadeCompute,
  ]

  /// What decides the numbers beside the runs.
  package struct Settings: StudySettings {
    /// Sizes of the models deferred to, which a study trains beside the small one.
    package var deferTo: [String] = []
    /// Decides the resamples behind intervals.
    package var seed: UInt64 = 0
    package var resampleCount = 1_000
    /// Seeds of models trained alike, which say with the small one how likely they find its answer;
    /// its own may be among them.
    package var committee: [Int] = []
    /// Detectors that are trained on the small model's answers and judge the greedy ones, none
    /// about a subject it learned from.
    package var heads: [HeadArchitecture] = []
    /// Answers of each query that those learn from.
    package var headSamples = 2

    package init() {}

    package static let all: [StudySetting<Settings>] = [
      StudySetting("defer_to", \.deferTo, example: "[1m]") {
        try $0.distinct { try $0.modelSize() }
      },
      StudySetting("committee", \.committee) { try $0.distinctIntegers(in: 0...Int.max) },
      StudySetting("heads", \.heads) { node in
        try node.distinct { item in
          do {
            return try HeadArchitecture(named: item.text())
          } catch let failure as LabError {
            throw item.failure("cannot be: \(failure)")
          }
        }
      },
      StudySetting("head_samples", \.headSamples, in: 1...256), .seed(\.seed),
      .resamples(\.resampleCount),
    ]

    enum CodingKeys: String, SnakeCaseKey {
      case seed, committee, heads, headSamples, deferTo, resampleCount
    }
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  /// The models deferred to, then the other members of the committee.
  package var siblings: [String] {
    settings.deferTo + settings.committee.map { ModelSelection.seed(UInt64($0)) }
  }

  package func inputs(among measures: [any Measure]) throws -> [any Measure] {
    guard let evaluation = measures.lazy.compactMap({ $0 as? EvaluationMeasure }).first,
      evaluation.settings.sampleTemperatures.contains(0)
    else {
      throw LabError(
        "cascade reads greedy answers, and the study's evaluation draws none; add 0 to evaluation's temperatures"
      )
    }
    return [evaluation]
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let queries = run.configuration.corpus.fraction * Double(graph.queryCount)
    let resampled = queries * Double(settings.resampleCount * max(1, settings.deferTo.count))
    let learned = settings.heads.isEmpty ? 0 : queries * Double(settings.headSamples)
    var cost = TaskCost.inference(
      run, sequences: 3 * learned + queries * Double(settings.committee.count), rowsOnDisk: 0)
    cost.seconds += 1 + queries * 1e-3 + resampled * 1e-6
    cost.seconds += learned * 5e-4 * Double(settings.heads.count * HeldOutScores.foldCount)
    cost.memoryMiB += 60 + queries * 0.01 + learned * 0.002
    cost.diskBytes = 300_000
    return cost
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    guard let inputs = try CascadeInputs.stored(of: subject) else { return nil }
    let identity = inputs.identity(settings)
    return try RunDatabase.read(in: subject.folder)?
      .summary(Self.self, of: identity, as: CascadeSummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    let best = summary.areas.filter { $0.visibility == .seen && $0.kind != .baseline }
      .max { ($0.gain ?? 0) < ($1.gain ?? 0) }
    guard let best, let gain = best.gain else { return "nothing to gain" }
    return String(format: "to %@ by %@: gain %.2f", best.large, best.switch, gain)
  }

  /// Measures the cascades from a run to each of its siblings into the run's run.sqlite, or reads
  /// them back.
  ///
  /// Throws `LabError` where a run has no greedy answers of the same graph.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> CascadeSummary {
    let inputs = try CascadeInputs(of: subject)
    let identity = inputs.identity(settings)
    let detectors = try inputs.detectorScores()
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: CascadeSummary.self),
      summary.detectors == detectors.map(\.name)
    {
      return summary
    }
    let seed = Seed(settings.seed).derived("cascade")
    let cascades = try inputs.cascades(detectors, settings, work.part(0...0.5))
    var (points, areas): ([CascadePoint], [CascadeArea]) = ([], [])
    var (deciles, compute): ([CascadeDecile], [CascadeCompute]) = ([], [])
    for (index, cascade) in cascades.enumerated() {
      for set in QuerySet.allCases {
        guard !work.shouldStop() else {
          throw LabError.interrupted("stopped before the cascade was measured; nothing is stored")
        }
        let curves = cascade.points(set, resamples: settings.resampleCount, seed: seed)
        points += curves
        areas += Cascade.areas(curves)
        compute += Cascade.compute(curves)
        deciles += cascade.deciles(set, resamples: settings.resampleCount, seed: seed)
      }
      work.report(
        0.5 + 0.5 * Double(index + 1) / Double(cascades.count), "deferral to \(cascade.large)")
    }
    let summary = CascadeSummary(
      key: try Self.storedKey(of: identity), identity: identity,
      small: subject.record.sizeName, detectors: detectors.map(\.name), points: points,
      areas: areas, deciles: deciles, compute: compute)
    let hash = subject.record.configuration.graphHash
    try RunDatabase.open(in: subject.folder, graphHash: hash).store(
      Self.self, identity: identity, summary: summary
    ) { measurement, database in
      try ResultTable.cascadePoints.insert(points, of: measurement, in: database)
      try ResultTable.cascadeAreas.insert(areas, of: measurement, in: database)
      try ResultTable.cascadeDeciles.insert(deciles, of: measurement, in: database)
      try ResultTable.cascadeCompute.insert(compute, of: measurement, in: database)
    }
    return summary
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try CascadeFigures(results: results, command: command).sections()
  }
}
