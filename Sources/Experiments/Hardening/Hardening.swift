import Compute
import Detection
import Evaluation
package import Foundation
package import KnowledgeGraph
package import LabCore
package import Training

/// Adversarial training of a run's model, or of one of its detectors, in rounds (arXiv 2407.18213).
///
/// A round is a run, or a detector's folder, made of the one before. What is there is not made
/// again, and a round that was stopped goes on after the attacks that are stored, to the same
/// bytes.
package struct Hardening {
  package let training: AdversarialTraining
  /// "model", or a detector's name.
  package let victim: String
  private let place: any HardeningPlace
  /// Of what attacks found before their round was finished.
  private let folder: URL

  /// The folder in a run's folder that has hardened models.
  package static let folderName = "hardened"

  /// `graph` is that of the run.
  ///
  /// Throws `LabError` for a detector that is not there or is none of kind `full`.
  package init(
    _ victim: String, of run: RunFolder, _ graph: KnowledgeGraph, _ training: AdversarialTraining
  ) throws {
    try training.validate()
    self.training = training
    self.victim = victim
    let hash = run.record.weightsHash ?? ""
    let detector =
      victim == AttackTarget.model
      ? nil : try AttackDetectors.folder(of: victim, in: run.url, weightsHash: hash)
    let key = try Self.key(training, origin: detector.map(AttackDetectors.key) ?? hash)
    folder = run.url.appendingPathComponent(Self.folderName).appendingPathComponent(key)
    if let detector {
      place = try DetectorHardeningPlace(run, graph, detector: detector, key: key)
    } else {
      place = ModelHardeningPlace(run: run, graph: graph, rounds: folder)
    }
  }

  private struct Key: Encodable {
    let training: AdversarialTraining
    let origin: String
  }

  private static func key(_ training: AdversarialTraining, origin: String) throws -> String {
    try CanonicalJSON.hash(Key(training: training, origin: origin)).short(8)
  }

  /// The folder that a round makes of the detector in another, beside that.
  static func folder(
    ofRound round: Int, of detector: URL, _ training: AdversarialTraining
  ) throws -> URL {
    DetectorHardeningPlace.folder(
      round, of: detector, key: try key(training, origin: AttackDetectors.key(of: detector)))
  }

  /// The folder of a round; of round 0 that of what they begin with.
  package func folder(ofRound round: Int) -> URL { place.folder(round) }

  /// Makes the rounds that are not there yet; returns what each did, in order.
  ///
  /// Throws `LabError.interrupted` when stopped, after which the same call continues.
  package func run(_ work: Work = Work()) throws -> [HardeningTally] {
    let lock = try FolderLock(folder)
    var tallies: [HardeningTally] = []
    var pool = AdversarialPool()
    for number in 1...training.rounds {
      let round = HardeningRound(training, round: number, origin: place.origin)
      let part = work.part(number - 1, of: training.rounds, "round \(number): ")
      if try place.found(round) == nil {
        try make(round, &pool, spent: tallies.last?.defenceFLOPs ?? 0, part)
      }
      guard let found = try place.found(round) else {
        throw LabError("\(place.folder(number).path) was written and is not there", .failure)
      }
      pool = try AdversarialPool(lines: found.pool)
      tallies.append(found.tally)
    }
    withExtendedLifetime(lock) {}
    return tallies
  }

  /// Writes the last round of a model as a run in another folder, whole or not at all, or finds it
  /// there.
  ///
  /// Throws `LabError` where the folder holds something else, or the rounds are not there.
  package func writeLast(to url: URL) throws -> RunRecord {
    let last = try RunFolder.open(folder(ofRound: training.rounds))
    let round = HardeningRound(training, round: training.rounds, origin: place.origin)
    let made = try HardenedRun(
      of: RunFolder.open(folder(ofRound: training.rounds - 1)), round, into: url)
    if let found = try made.found() { return found.record }
    guard let found = try place.found(round) else {
      throw LabError("\(last.url.path) is not there; run the command again")
    }
    try made.write(last.loadModel(), found.tally, pool: found.pool)
    return try RunFolder.open(url).record
  }

  /// Makes a round of the pool of the one before.
  private func make(
    _ round: HardeningRound, _ pool: inout AdversarialPool, spent: Double, _ work: Work
  ) throws {
    let seed = Seed(training.seed).derived("hardening/\(victim)/\(round.round)")
    var trainee = try place.trainee(for: round)
    let settings = try training.attacks(ofRound: round.round, seed: seed)
    let (target, examples) = try trainee.attacked(settings, seed: seed)
    let file = folder.appendingPathComponent("attacks-\(round.round).jsonl")
    let search = try AttackSearch(
      settings.kinds[0], settings, length: target.length, tokenizer: target.tokenizer)
    let found = try attack(
      examples, target, search, round.round, storedIn: file, work.part(0...0.9))
    pool.items += found
    let counts = training.lineCounts(pool: pool.items.count, clean: try trainee.cleanCount)
    var stream = seed.stream("draw")
    let places = pool.draw(counts.adversarial, from: &stream)
    work.report(0.9, "training")
    let (losses, flops) = try trainee.train(
      on: places.map { pool.items[$0] }, clean: counts.clean, training, seed: seed, work)
    for (place, loss) in zip(places, losses) { pool.items[place].loss = min(loss, 1e6) }
    let attackFLOPs = found.reduce(0) { $0 + $1.flops }
    let lines = try pool.lines()
    let tally = HardeningTally(
      iterations: training.iterations(ofRound: round.round), attackedCount: found.count,
      successCount: found.count(where: \.isSuccess), poolCount: pool.items.count,
      adversarialCount: places.count, cleanCount: counts.clean, attackFLOPs: attackFLOPs,
      trainingFLOPs: flops, defenceFLOPs: spent + attackFLOPs + flops,
      poolHash: ContentHash(of: lines).hex)
    try trainee.write(round, tally, pool: lines)
    try? FileManager.default.removeItem(at: file)
  }

  /// Examples that one worker attacks side by side; results are a function of them alone.
  private static let unitSize = 16

  /// The text that an attack finds on each example, its last one; units that are done are stored.
  private func attack(
    _ examples: [AttackedExample], _ target: AttackTarget, _ search: AttackSearch, _ round: Int,
    storedIn file: URL, _ work: Work
  ) throws -> [PoolItem] {
    var found = try (try? Data(contentsOf: file)).map { try AdversarialPool(lines: $0).items } ?? []
    // Whole units, so that what is found does not depend on where it was stopped.
    found = Array(found.prefix(found.count / Self.unitSize * Self.unitSize))
    guard found.count < examples.count else { return found }
    let pool = try WorkerPool(workerCount: work.workers)
    let victims = try (0..<work.workers).map { _ in (try target.victim(), try target.proposer()) }
    try work.inUnits(
      of: examples.count, from: found.count, size: Self.unitSize,
      "attacks of round \(round), which are stored", on: pool
    ) { worker, items in
      let (victim, proposer) = victims[worker]
      return try self.items(
        Array(examples[items]), search, victim, proposer, round, unless: work.shouldStop)
    } store: { unit in
      found += unit
      // Written whole each time: a pool of a round is small beside the time that it takes.
      try AtomicFile.write(AdversarialPool.lines(found), to: file)
    }
    return found
  }

  private func items(
    _ examples: [AttackedExample], _ search: AttackSearch, _ victim: some AttackVictim,
    _ proposer: (any TextProposer)?, _ round: Int, unless shouldStop: () -> Bool
  ) throws -> [PoolItem]? {
    guard let steps = try search.steps(on: examples, victim, proposer, unless: shouldStop) else {
      return nil
    }
    let isModel = self.victim == AttackTarget.model
    return zip(examples, steps).compactMap { example, steps in
      steps.last.map { last in
        PoolItem(
          round: round, queryID: example.query, content: last.content, isSuccess: last.isSuccess,
          flops: steps.reduce(0) { $0 + $1.flops }, answer: isModel ? nil : example.answer,
          isHallucination: isModel ? nil : example.isHallucination)
      }
    }
  }
}
