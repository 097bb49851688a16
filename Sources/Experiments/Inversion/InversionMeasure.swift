import Compute
import Corpus
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// How often texts that a model was asked for make another give a chosen wrong answer, by how far that is from a right one,
/// and how many copies of a false line it takes: `kglab pirs`, `pirs` in a study.
package struct InversionMeasure: Measure {
  package static let name = "pirs"
  package static let key = "pirs"
  package static let version = 1
  package static let tables = [ResultTable.inversionRates, .overloadRates]
  package static let settingNames =
    ModelSelection.settingNames + InversionSettings.settingNames

  package var selection = ModelSelection()
  package var settings: InversionSettings

  package init(_ settings: InversionSettings = InversionSettings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    settings = try InversionSettings(study: node)
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let examples = Double(min(settings.exampleCount, graph.queryCount))
    let length = Double(settings.length ?? run.configuration.corpus.slot?.length ?? 10)
    let kinds = Double(settings.origins.count * settings.distances.count)
    let draws = examples * kinds * Double(settings.drawCount)
    // A text is read once for each of its tokens, an inversion's line three times as often as forward in each epoch.
    let inverted =
      settings.origins.contains(.inversion)
      ? Double(settings.lineCount * (1 + 3 * settings.epochCount)) : 0
    let copies = Double(settings.copyCount)
    return .inference(
      run, sequences: 6 * (draws * (length + 1) + inverted + examples * copies * copies / 2),
      rowsOnDisk: draws + examples * copies)
  }

  private func identity(of subject: MeasuredRun) throws -> (InversionIdentity, key: String) {
    let identity = InversionIdentity(
      settings: settings, weights: subject.record.weightsHash ?? "")
    return (identity, try Self.storedKey(of: identity))
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(InversionSummary.self, in: "pirs", key: identity(of: subject).key)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    let broken = summary.rates.filter { $0.drawCount == settings.drawCount }.map {
      "\($0.origin.rawValue) \($0.distance.rawValue) \(Readable.percent($0.brokenRate))"
    }
    let copies = summary.medianCopies.map { ["\($0) copies"] } ?? []
    return (broken + copies).joined(separator: ", ")
  }

  /// Queries of a unit, which one worker attacks; results are a function of the unit alone.
  private static let unitSize = 4

  /// Attacks a run's model into its run.sqlite, or reads back what is there.
  ///
  /// Throws `LabError` for a model without a slot or a context that is too short, and `LabError.interrupted` when
  /// stopped, after which the same call continues; an inversion model is then made again.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> InversionSummary {
    let (identity, key) = try identity(of: subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(InversionSummary.self, in: "pirs", key: key)
    {
      return summary
    }
    let pool = try WorkerPool(workerCount: work.workers)
    let target = try InversionTarget(subject.open(), graph: subject.graph(), settings)
    let inversion = try target.inversion(on: pool, work.part(0...0.3))
    let database = try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash)
    let id = try database.begin(
      "pirs",
      Self.tables + [.inversionExamples, .inversionTexts, .overloadCopies], identity: identity,
      key: key)
    try attack(target, inversion, in: database, id, on: pool, work.part(0.3...1))
    let right = try database.inversionExamples(of: id)
    let summary = InversionSummary(
      key: key, identity: identity, parameterCount: target.parameterCount,
      exampleCount: right.count, rightCount: right.count { $0 }, length: target.search.length,
      allowedCount: target.search.allowed.count, heldOutLoss: inversion?.heldOutLoss,
      inversionFLOPs: inversion?.flops,
      rates: try database.inversionRates(of: id, settings),
      overloads: settings.copyCount == 0
        ? [] : try database.overloadRates(of: id, copies: settings.copyCount))
    try database.complete("pirs", id, with: summary) {
      try ResultTable.inversionRates.insert(summary.rates, of: id, in: $0)
      try ResultTable.overloadRates.insert(summary.overloads, of: id, in: $0)
    }
    return summary
  }

  /// Attacks what is not stored yet, a unit for each worker at a time.
  private func attack(
    _ target: InversionTarget, _ inversion: InversionModel?, in database: RunDatabase, _ id: Int64,
    on pool: WorkerPool, _ work: Work
  ) throws {
    var next = try database.inversionExamples(of: id).count
    let total = target.queries.count
    guard next < total else { return }
    let attackers = try (0..<work.workers).map { _ in try target.attacker(inversion) }
    while next < total {
      let starts = Array(stride(from: next, to: total, by: Self.unitSize).prefix(work.workers))
      let units = try pool.map(pieces: starts.count) { worker, piece in
        let unit = target.queries[starts[piece]..<min(starts[piece] + Self.unitSize, total)]
        return try attackers[worker].rows(of: unit, unless: work.shouldStop)
      }
      for unit in units {
        guard let unit else {
          throw LabError.interrupted(
            "stopped after \(next) of \(total) queries, whose texts are stored")
        }
        try database.write {
          try ResultTable.inversionExamples.insert(unit.examples, of: id, in: $0)
          try ResultTable.inversionTexts.insert(unit.texts, of: id, in: $0)
          try ResultTable.overloadCopies.insert(unit.copies, of: id, in: $0)
        }
        next += unit.examples.count
      }
      work.report(Double(next) / Double(total), "\(next) of \(total) queries")
    }
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try InversionFigures(results: results, command: command).sections()
  }
}
