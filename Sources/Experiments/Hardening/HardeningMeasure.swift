import Corpus
import Detection
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// Adversarial training of a run's model or detectors, and how each round stands attacks: `kglab
/// harden`, `hardening` in a study.
package struct HardeningMeasure: StoredMeasure {
  package static let name = "harden"
  package static let key = "hardening"
  package static let version = 1
  package static let needs: TrainingNeed? = .slot
  package static let tables = [
    ResultTable.hardeningRounds, .hardeningAttacks, .hardeningRates,
  ]
  package static let settingNames = ModelSelection.settingNames + HardeningSettings.settingNames

  package var selection = ModelSelection()
  package var settings: HardeningSettings

  package init(_ settings: HardeningSettings = HardeningSettings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    settings = try HardeningSettings(study: node)
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    var total = try Self.cost(of: settings.training, victims: settings.victims, run, on: graph)
    for victim in settings.victims {
      for test in settings.tests {
        try total.add(
          AttackMeasure(settings.test(test, of: victim)).cost(of: run, on: graph),
          times: Double(settings.training.rounds + 1))
      }
    }
    return total
  }

  /// What the rounds alone are expected to take, nearly all of it attacks.
  package static func cost(
    of training: AdversarialTraining, victims: [String] = [AttackTarget.model],
    _ run: RunRecord, on graph: GraphSummary
  ) throws -> TaskCost {
    var total = TaskCost(
      flops: 0, seconds: 0, memoryMiB: 0,
      diskBytes: Double(training.rounds * run.parameterCount) * 4)
    for victim in victims {
      for round in 1...training.rounds {
        var attacks = try training.attacks(ofRound: round, seed: Seed(training.seed))
        attacks.victims = [victim]
        try total.add(AttackMeasure(attacks).cost(of: run, on: graph), times: 1)
      }
    }
    return total
  }

  package func inputs(among measures: [any Measure]) throws -> [any Measure] {
    try AttackMeasure.inputs(of: settings.victims, among: measures, key: Self.key)
  }

  /// What decides the numbers; throws `LabError` for a detector that is not there.
  package func identity(of subject: MeasuredRun) throws -> HardeningIdentity {
    try settings.validate()
    let hash = subject.record.weightsHash ?? ""
    return HardeningIdentity(
      settings: settings,
      victims: try settings.victims.map { name in
        name == AttackTarget.model
          ? hash
          : try AttackDetectors.key(
            of: AttackDetectors.folder(of: name, in: subject.folder, weightsHash: hash))
      })
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return settings.victims.compactMap { victim in
      let last = summary.lastAttacks(on: victim)
      guard let first = last.first(where: { $0.round == 0 }),
        let final = last.last(where: { $0.test == first.test })
      else { return nil }
      return "\(victim) \(first.test) \(Readable.percent(first.successRate)) to "
        + Readable.percent(final.successRate)
    }.joined(separator: ", ")
  }

  /// Hardens a run's model or detectors and tests every round; throws `LabError` as attacks do.
  package func measured(
    _ subject: MeasuredRun, _ identity: HardeningIdentity, key: String, _ work: Work
  ) throws -> HardeningSummary {
    var rounds: [HardenedRound] = []
    var attacks: [HardeningAttack] = []
    var rates: [HardeningRate] = []
    for (place, victim) in settings.victims.enumerated() {
      let part = work.part(place, of: settings.victims.count, victim + ", ")
      let run = try subject.open()
      let hardening = try Hardening(victim, of: run, subject.graph(), settings.training)
      let tallies = try hardening.run(part.part(0...0.5))
      for number in 0...tallies.count {
        let own = part.part(0.5...1)
          .part(number, of: tallies.count + 1, "tests of round \(number): ")
        let folder = hardening.folder(ofRound: number)
        let summaries = try test(victim, subject, folder, own)
        guard let first = summaries.first?.victims.first else { continue }
        rounds.append(
          HardenedRound(
            victim: victim, parameters: first.parameterCount, round: number,
            folder: folder.path(from: subject.folder),
            key: summaries[0].identity.victims[0].key,
            tally: number == 0 ? nil : tallies[number - 1], clean: first))
        for (test, summary) in zip(settings.tests, summaries) {
          attacks += summary.rates.map {
            HardeningAttack(
              $0, of: victim, round: number, test: settings.name(of: test, $0.attack),
              position: test.position.rawValue, length: summary.victims.first?.length ?? 0)
          }
        }
        if victim == AttackTarget.model {
          rates += try cleanRates(folder, number, subject, own)
        }
      }
    }
    return HardeningSummary(
      key: key, identity: identity, rounds: rounds, attacks: attacks, rates: rates)
  }

  package static func rows(of summary: HardeningSummary) -> [ResultRows] {
    [
      ResultRows(.hardeningRounds, summary.rounds), ResultRows(.hardeningAttacks, summary.attacks),
      ResultRows(.hardeningRates, summary.rates),
    ]
  }

  /// Attacks a round's model in its own folder, or its detector in the run's, as `kglab attack`
  /// does.
  private func test(
    _ victim: String, _ subject: MeasuredRun, _ folder: URL, _ work: Work
  ) throws -> [AttackSummary] {
    let isModel = victim == AttackTarget.model
    let tested = try isModel ? opened(folder, subject) : subject
    return try settings.tests.map { test in
      let name = isModel ? victim : folder.lastPathComponent
      return try AttackMeasure(settings.test(test, of: name)).summary(of: tested, work)
    }
  }

  private func opened(_ folder: URL, _ subject: MeasuredRun) throws -> MeasuredRun {
    // To BEAST the model that the rounds began with proposes tokens, in every round.
    MeasuredRun(
      folder: folder, record: try RunFolder.open(folder).record, siblings: [subject]
    ) { try subject.graph() }
  }

  /// Exact hallucination rates at temperature 1 of a round's model, without an attack.
  private func cleanRates(
    _ folder: URL, _ round: Int, _ subject: MeasuredRun, _ work: Work
  ) throws -> [HardeningRate] {
    var options = EvaluationOptions()
    options.sampleTemperatures = []
    let summary = try RunFolder.open(folder).evaluate(
      options, graph: subject.graph(), work: work)
    return QuerySet.allCases.compactMap { set in
      summary.rate(.exact, temperature: 1, set).map {
        HardeningRate(
          victim: AttackTarget.model, round: round, visibility: set, rate: $0.rate,
          lower: $0.lower, upper: $0.upper, queryCount: $0.queryCount)
      }
    }
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try HardeningFigures(results: results, command: command).sections()
  }
}

extension TaskCost {
  /// Adds what something takes that is done so often, one after the other.
  fileprivate mutating func add(_ other: TaskCost, times: Double) {
    flops += times * other.flops
    seconds += times * other.seconds
    memoryMiB = max(memoryMiB, other.memoryMiB)
    diskBytes += times * other.diskBytes
  }
}
