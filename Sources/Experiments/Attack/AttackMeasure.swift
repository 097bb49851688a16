import Compute
import Detection
package import Evaluation
import Foundation
import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// How often texts in a slot make a model, or a detector, wrong: `kglab attack`, `attack` in a
/// study.
package struct AttackMeasure: ListedMeasure, StoredMeasure {
  package static let name = "attack"
  package static let key = "attack"
  package static let version = 1
  package static let needs: TrainingNeed? = .slot
  package static let header = "attack"
  package static let tables = [ResultTable.attackRates]

  package var selection = ModelSelection()
  package var settings: AttackSettings

  package init(_ settings: AttackSettings = AttackSettings()) { self.settings = settings }

  package var siblings: [String] { settings.proposals.map { [$0] } ?? [] }

  /// With the smallest of the sizes for proposals, where an attack needs them.
  package func among(_ sizes: [String]) -> AttackMeasure {
    guard settings.kinds.contains(where: \.hasProposer), settings.proposals == nil else {
      return self
    }
    var measure = self
    measure.settings.proposals = ModelSize.all.map(\.name).first(where: sizes.contains)
    return measure
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let passes = settings.kinds.reduce(0) { sum, kind in
      let texts =
        switch kind {
        case .random: 1
        case .gcg, .beam: settings.candidateCount + 4
        case .beast: settings.beastWidth * (settings.beastWidth + 1)
        }
      return sum + settings.iterationCount(of: kind) * texts
    }
    let examples = Double(min(settings.exampleCount, graph.queryCount))
    let steps = settings.kinds.reduce(0) { $0 + settings.iterationCount(of: $1) }
    // `inference` takes a sixth of a text to be computed: of texts that a model reads side by side
    // it is about half, of a detector's all.
    let model = run.configuration.model
    let texts = settings.victims.reduce(0.0) { sum, victim in
      guard victim != AttackTarget.model else { return sum + 3 }
      let size = try? ModelSize(named: victim.replacing("full-", with: ""))
      let own = size?.configuration(
        vocabularySize: model.vocabularySize, contextLength: model.contextLength)
      let share =
        own.map {
          Double($0.nonEmbeddingParameterCount) / Double(run.nonEmbeddingParameterCount)
        } ?? 1
      return sum + 6 * share
    }
    return .inference(
      run, sequences: examples * Double(passes) * texts,
      rowsOnDisk: examples * Double(steps * settings.victims.count))
  }

  package func inputs(among measures: [any Measure]) throws -> [any Measure] {
    try Self.inputs(of: settings.victims, among: measures, key: Self.key)
  }

  /// What trains the detectors among some victims, for the measure with a key.
  static func inputs(
    of victims: [String], among measures: [any Measure], key: String
  ) throws -> [any Measure] {
    let names = victims.filter { $0 != AttackTarget.model }
    guard let name = names.first else { return [] }
    guard let detection = measures.lazy.compactMap({ $0 as? DetectionMeasure }).first,
      names.allSatisfy(detection.options.full.map(\.name).contains)
    else {
      throw LabError(
        "\(key) names the detector \(name), which the study does not train; add its size to full of detection, and "
          + "write it as full-SIZE")
    }
    return [detection]
  }

  /// What decides the numbers; throws `LabError` for a detector that is not there.
  package func identity(of subject: MeasuredRun) throws -> AttackIdentity {
    let hash = subject.record.weightsHash ?? ""
    let victims = try settings.victims.map { name in
      AttackIdentity.Victim(
        name: name,
        key: name == AttackTarget.model
          ? hash
          : try AttackDetectors.key(
            of: AttackDetectors.folder(of: name, in: subject.folder, weightsHash: hash)))
    }
    var settings = settings
    settings.proposals = nil
    return AttackIdentity(
      settings: settings, victims: victims,
      proposer: proposing(subject).map { $0.record.weightsHash ?? "" })
  }

  /// The run whose model proposes texts, by default the attacked one; nil where none are wanted.
  private func proposing(_ subject: MeasuredRun) -> MeasuredRun? {
    settings.kinds.contains(where: \.hasProposer) ? subject.siblings.first ?? subject : nil
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return summary.victims.flatMap { victim in
      settings.kinds.compactMap { kind in
        summary.rates(victim.name, kind).last.map {
          "\(victim.name) \(kind.rawValue) \(Readable.percent($0.successRate))"
        }
      }
    }.joined(separator: ", ")
  }

  /// Examples of a unit, which one worker attacks side by side; results are a function of the unit
  /// alone.
  private static let unitSize = 16

  /// Attacks a run's model or detectors.
  ///
  /// Throws `LabError` for a model without a slot, a detector that is not there or a context that
  /// is too short.
  package func measured(
    _ subject: MeasuredRun, _ identity: AttackIdentity, key: String, _ work: Work
  ) throws -> AttackSummary {
    let targets = try AttackTargets(
      subject.open(), graph: subject.graph(), settings, proposing: proposing(subject)?.open())
    let (database, id) = try begun(
      subject, identity, key: key, [.attackExamples, .attackSteps],
      then: RunDatabase.admitAllAttacks)
    let pool = try WorkerPool(workerCount: work.workers)
    var victims: [AttackSummary.Victim] = []
    var rates: [AttackRate] = []
    for (place, victim) in identity.victims.enumerated() {
      let part = work.part(place, of: identity.victims.count, victim.name + ": ")
      let target = try targets.target(victim)
      try attack(target, in: database, id, on: pool, part)
      let right = try database.attackExamples(of: id, victim.name)
      victims.append(
        AttackSummary.Victim(
          name: victim.name, parameterCount: target.parameterCount, exampleCount: right.count,
          rightCount: right.count { $0 }, length: target.length))
      rates += try database.attackRates(
        of: id, victim.name, parameters: target.parameterCount, right, settings)
    }
    return AttackSummary(key: key, identity: identity, victims: victims, rates: rates)
  }

  package static func rows(of summary: AttackSummary) -> [ResultRows] {
    [ResultRows(.attackRates, summary.rates)]
  }

  /// Attacks what is not stored yet of a target, a unit for each worker at a time.
  private func attack(
    _ target: AttackTarget, in database: RunDatabase, _ id: Int64, on pool: WorkerPool, _ work: Work
  ) throws {
    let done = try database.attackExamples(of: id, target.name).count
    let total = target.examples.count
    guard done < total else { return }
    let victims = try (0..<work.workers).map { _ in try target.victim() }
    let proposers = try (0..<work.workers).map { _ in try target.proposer() }
    try work.inUnits(
      of: total, from: done, size: Self.unitSize, "examples, whose attacks are stored", on: pool
    ) { worker, items in
      try target.attack(
        Array(target.examples[items]), victims[worker], proposers[worker], unless: work.shouldStop)
    } store: { examples, steps in
      try database.store(examples, steps, of: id)
    }
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try AttackFigures(results: results, command: command).sections()
  }
}
