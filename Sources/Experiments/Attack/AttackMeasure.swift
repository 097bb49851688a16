import Compute
import Detection
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// How often texts in a slot make a model, or a detector, wrong: `kglab attack`, `attack` in a study.
package struct AttackMeasure: Measure {
  package static let name = "attack"
  package static let key = "attack"
  package static let version = 1
  package static let tables = [ResultTable.attackRates]
  package static let settingNames = ModelSelection.settingNames + AttackSettings.settingNames

  package var selection = ModelSelection()
  package var settings: AttackSettings

  package init(_ settings: AttackSettings = AttackSettings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    settings = try AttackSettings(study: node)
  }

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
    // `inference` takes a sixth of a text to be computed: of texts that a model reads side by side it is about half, of a
    // detector's all.
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

  /// What decides the numbers, with its key; throws `LabError` for a detector that is not there.
  private func identity(of subject: MeasuredRun) throws -> (AttackIdentity, key: String) {
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
    let identity = AttackIdentity(
      settings: settings, victims: victims,
      proposer: proposing(subject).map { $0.record.weightsHash ?? "" })
    return (identity, try Self.storedKey(of: identity))
  }

  /// The run whose model proposes texts, by default the attacked one; nil where none are wanted.
  private func proposing(_ subject: MeasuredRun) -> MeasuredRun? {
    settings.kinds.contains(where: \.hasProposer) ? subject.siblings.first ?? subject : nil
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    guard let database = try RunDatabase.read(in: subject.folder),
      let key = try? identity(of: subject).key
    else { return nil }
    return try database.summary(AttackSummary.self, in: "attack", key: key)?.key
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

  /// Examples of a unit, which one worker attacks side by side; results are a function of the unit alone.
  private static let unitSize = 16

  /// Attacks a run's model or detectors into its run.sqlite, or reads back what is there.
  ///
  /// Throws `LabError` for a model without a slot, a detector that is not there or a context that is too short, and
  /// `LabError.interrupted` when stopped, after which the same call continues.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> AttackSummary {
    let (identity, key) = try identity(of: subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(AttackSummary.self, in: "attack", key: key)
    {
      return summary
    }
    let targets = try AttackTargets(
      subject.open(), graph: subject.graph(), settings, proposing: proposing(subject)?.open())
    let database = try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash)
    let id = try database.beginAttack(identity, key: key)
    let pool = try WorkerPool(workerCount: work.workers)
    var victims: [AttackSummary.Victim] = []
    var rates: [AttackRate] = []
    for (place, victim) in identity.victims.enumerated() {
      let count = Double(identity.victims.count)
      let part = work.part(Double(place) / count...Double(place + 1) / count, victim.name + ": ")
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
    let summary = AttackSummary(key: key, identity: identity, victims: victims, rates: rates)
    try database.completeAttack(id, with: summary)
    return summary
  }

  /// Attacks what is not stored yet of a target, a unit for each worker at a time.
  private func attack(
    _ target: AttackTarget, in database: RunDatabase, _ id: Int64, on pool: WorkerPool, _ work: Work
  ) throws {
    var next = try database.attackExamples(of: id, target.name).count
    let total = target.examples.count
    guard next < total else { return }
    let victims = try (0..<work.workers).map { _ in try target.victim() }
    let proposers = try (0..<work.workers).map { _ in try target.proposer() }
    while next < total {
      let starts = Array(stride(from: next, to: total, by: Self.unitSize).prefix(work.workers))
      let units = try pool.map(pieces: starts.count) { worker, piece in
        let unit = target.examples[starts[piece]..<min(starts[piece] + Self.unitSize, total)]
        return try target.attack(
          Array(unit), victims[worker], proposers[worker], unless: work.shouldStop)
      }
      for unit in units {
        guard let unit else {
          throw LabError.interrupted(
            "stopped after \(next) of \(total) examples, whose attacks are stored")
        }
        try database.store(unit.examples, unit.steps, of: id)
        next += unit.examples.count
      }
      work.report(Double(next) / Double(total), "\(next) of \(total) examples")
    }
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try AttackFigures(results: results, command: command).sections()
  }
}
