import Compute
import Corpus
package import Evaluation
import Foundation
import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// How often texts that a model was asked for make another give a chosen wrong answer, by how far
/// that is from a right one, and how many copies of a false line it takes: `kglab pirs`, `pirs` in
/// a study.
package struct InversionMeasure: ListedMeasure, StoredMeasure {
  package static let name = "pirs"
  package static let key = "pirs"
  package static let version = 1
  package static let needs: TrainingNeed? = .slot
  package static let header = "pirs"
  package static let tables = [ResultTable.inversionRates, .overloadRates]

  package var selection = ModelSelection()
  package var settings: InversionSettings

  package init(_ settings: InversionSettings = InversionSettings()) { self.settings = settings }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let examples = Double(min(settings.exampleCount, graph.queryCount))
    let length = Double(settings.length ?? run.configuration.corpus.slot?.length ?? 10)
    let kinds = Double(settings.origins.count * settings.distances.count)
    let draws = examples * kinds * Double(settings.drawCount)
    // A text is read once for each of its tokens, an inversion's line three times as often as
    // forward in each epoch.
    let inverted =
      settings.origins.contains(.inversion)
      ? Double(settings.lineCount * (1 + 3 * settings.epochCount)) : 0
    let copies = Double(settings.copyCount)
    return .inference(
      run, sequences: 6 * (draws * (length + 1) + inverted + examples * copies * copies / 2),
      rowsOnDisk: draws + examples * copies)
  }

  package func identity(of subject: MeasuredRun) -> InversionIdentity {
    InversionIdentity(settings: settings, weights: subject.record.weightsHash ?? "")
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

  /// Attacks a run's model; one that goes on after it was stopped makes the inversion model again.
  ///
  /// Throws `LabError` for a model without a slot or a context that is too short.
  package func measured(
    _ subject: MeasuredRun, _ identity: InversionIdentity, key: String, _ work: Work
  ) throws -> InversionSummary {
    let pool = try WorkerPool(workerCount: work.workers)
    let target = try InversionTarget(subject.open(), graph: subject.graph(), settings)
    let inversion = try target.inversion(on: pool, work.part(0...0.3))
    let (database, id) = try begun(
      subject, identity, key: key, [.inversionExamples, .inversionTexts, .overloadCopies])
    try attack(target, inversion, in: database, id, on: pool, work.part(0.3...1))
    let right = try database.inversionExamples(of: id)
    return InversionSummary(
      key: key, identity: identity, parameterCount: target.parameterCount,
      exampleCount: right.count, rightCount: right.count { $0 }, length: target.search.length,
      allowedCount: target.search.allowed.count, heldOutLoss: inversion?.heldOutLoss,
      inversionFLOPs: inversion?.flops,
      rates: try database.inversionRates(of: id, settings),
      overloads: settings.copyCount == 0
        ? [] : try database.overloadRates(of: id, copies: settings.copyCount))
  }

  package static func rows(of summary: InversionSummary) -> [ResultRows] {
    [
      ResultRows(.inversionRates, summary.rates), ResultRows(.overloadRates, summary.overloads),
    ]
  }

  /// Attacks what is not stored yet, a unit for each worker at a time.
  private func attack(
    _ target: InversionTarget, _ inversion: InversionModel?, in database: RunDatabase, _ id: Int64,
    on pool: WorkerPool, _ work: Work
  ) throws {
    let done = try database.inversionExamples(of: id).count
    guard done < target.queries.count else { return }
    let attackers = try (0..<work.workers).map { _ in try target.attacker(inversion) }
    try work.inUnits(
      of: target.queries.count, from: done, size: Self.unitSize, "queries, whose texts are stored",
      on: pool
    ) { worker, items in
      try attackers[worker].rows(of: target.queries[items], unless: work.shouldStop)
    } store: { unit in
      try database.write {
        try ResultTable.inversionExamples.insert(unit.examples, of: id, in: $0)
        try ResultTable.inversionTexts.insert(unit.texts, of: id, in: $0)
        try ResultTable.overloadCopies.insert(unit.copies, of: id, in: $0)
      }
    }
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try InversionFigures(results: results, command: command).sections()
  }
}
