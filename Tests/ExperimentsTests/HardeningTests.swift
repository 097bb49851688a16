import Corpus
import Detection
import Evaluation
import Experiments
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

/// What is drawn and counted in adversarial training, against its formulas.
@Suite struct AdversarialPoolTests {
  private func item(_ round: Int, loss: Double?) -> PoolItem {
    PoolItem(round: round, queryID: 0, content: [], isSuccess: false, flops: 0, loss: loss)
  }

  @Test func ranksOfEqualValuesAreTheirMean() {
    #expect(AdversarialPool.ranks([]) == [])
    #expect(AdversarialPool.ranks([3, 1, 2]) == [3, 1, 2])
    #expect(AdversarialPool.ranks([5, 1, 5, 5, 0]) == [4, 2, 4, 4, 1])
    #expect(AdversarialPool.ranks([.infinity, 2, .infinity]) == [2.5, 1, 2.5])
  }

  /// exp(0.005 (r - max r)), r the mean of two ranks, by hand.
  @Test func weightsAreTheFormulas() {
    let pool = AdversarialPool([
      item(1, loss: 0.5), item(1, loss: 2), item(2, loss: 1), item(3, loss: nil),
      item(3, loss: nil),
    ])
    // Ages 1.5 1.5 3 4.5 4.5, losses 1 3 2 4.5 4.5.
    let ranks = [1.25, 2.25, 2.5, 4.5, 4.5]
    for (weight, rank) in zip(pool.weights, ranks) {
      #expect(abs(weight - exp(0.005 * (rank - 4.5))) < 1e-15)
    }
    // A thousand ranks apart the odds are e^5 to 1: newest, never trained on first.
    let many = AdversarialPool((0...1_000).map { item($0, loss: Double($0)) }).weights
    #expect(abs(many[1_000] / many[0] - exp(5)) < 1e-9)
  }

  /// Two of four without replacement: each pair as often as drawing one after the other says.
  @Test func drawsFollowTheirWeights() {
    let weights = [1.0, 2, 3, 6]
    let total = 12.0
    var stream = Seed(5).stream("draw")
    var counts: [[Int]: Int] = [:]
    let draws = 40_000
    for _ in 0..<draws {
      counts[AdversarialPool.draw(2, weights: weights, from: &stream), default: 0] += 1
    }
    for a in 0..<4 {
      for b in (a + 1)..<4 {
        let product = weights[a] * weights[b] / total
        let share = product / (total - weights[a]) + product / (total - weights[b])
        let expected = share * Double(draws)
        let deviation: Double = (expected * (1 - share)).squareRoot()
        let count = Double(counts[[a, b]] ?? 0)
        #expect(abs(count - expected) < 4.5 * deviation)
      }
    }
    #expect(AdversarialPool.draw(9, weights: weights, from: &stream) == [0, 1, 2, 3])
    #expect(AdversarialPool.draw(0, weights: weights, from: &stream) == [])
  }

  @Test func poolsAreReadBackAndHalfLinesAreNot() throws {
    let pool = AdversarialPool([item(1, loss: 0.1), item(2, loss: nil)])
    let lines = try pool.lines()
    #expect(try AdversarialPool(lines: lines) == pool)
    #expect(try AdversarialPool(lines: lines.dropLast(3)).items == [pool.items[0]])
    #expect(try AdversarialPool(lines: Data()).items == [])
  }

  /// start + int(i (end - start) / (R - 1)), i from 0.
  @Test func iterationsLieOnALine() {
    func iterations(_ first: Int, _ last: Int, rounds: Int) -> [Int] {
      var training = AdversarialTraining()
      (training.iterations, training.lastIterations, training.rounds) = (first, last, rounds)
      return (1...rounds).map { training.iterations(ofRound: $0) }
    }
    #expect(iterations(8, 64, rounds: 10) == [8, 14, 20, 26, 32, 39, 45, 51, 57, 64])
    #expect(iterations(1_024, 2_048, rounds: 3) == [1_024, 1_536, 2_048])
    #expect(iterations(64, 64, rounds: 3) == [64, 64, 64])
    #expect(iterations(8, 64, rounds: 1) == [8])
  }

  /// As many lines as there may be, no more attacked ones than their share of them.
  @Test func linesKeepTheirShare() {
    var training = AdversarialTraining()
    #expect(training.lineCounts(pool: 200, clean: 20_000) == (200, 800))
    #expect(training.lineCounts(pool: 2_000, clean: 20_000) == (800, 200))
    training.size = 50
    for pool in 0..<90 {
      for clean in 0..<30 {
        let (adversarial, own) = training.lineCounts(pool: pool, clean: clean)
        #expect(adversarial <= pool && own <= clean && adversarial + own <= 50)
        #expect(Double(adversarial) <= 0.8 * Double(adversarial + own) + 1e-9)
        // One more attacked text would be too many, or there is none, or no room.
        let isOver = Double(adversarial + 1) > 0.8 * Double(adversarial + 1 + own)
        let isFull: Bool = adversarial + own == 50 || isOver
        #expect(isFull || adversarial == pool && own == clean)
      }
    }
  }
}

/// Rounds of adversarial training of models and detectors.
struct HardeningTests {
  private let graph = SmallGraph.people(40)
  private let quiet = Work(shouldStop: { false })

  /// A model that hardly learned to ignore its slot, so that attacks find what they look for.
  private func run(
    slot share: Double = 0.02, epochs: Int = 60,
    _ change: (inout TrainingRequest) -> Void = { _ in }
  ) throws -> TrainedRun {
    try TrainedRun(graph, epochs: epochs) { request, _ in
      request.size = "10k"
      request.loss = .object
      request.learningRate = 0.01
      request.training.tokensPerStep = 256
      request.slotShare = share
      request.slotLength = 3
      change(&request)
    }
  }

  private func training(
    _ change: (inout AdversarialTraining) -> Void = { _ in }
  ) -> AdversarialTraining {
    var training = AdversarialTraining()
    (training.rounds, training.attackedCount, training.exampleCount) = (2, 20, 30)
    (training.iterations, training.lastIterations, training.candidateCount) = (2, 3, 8)
    (training.size, training.batchSize) = (60, 8)
    change(&training)
    return training
  }

  private func harden(
    _ trained: TrainedRun, _ training: AdversarialTraining, victim: String = "model",
    _ work: Work? = nil
  ) throws -> (hardening: Hardening, tallies: [HardeningTally]) {
    let hardening = try Hardening(victim, of: trained.run, graph, training)
    return (hardening, try hardening.run(work ?? quiet))
  }

  private func pool(_ folder: URL) throws -> [PoolItem] {
    let data = try Data(contentsOf: folder.appendingPathComponent(HardenedRun.poolName))
    return try AdversarialPool(lines: data).items
  }

  /// A round names the one before by its weights, attacks no example of the tests, and costs what
  /// the formula says.
  @Test func roundsAreRunsWithTheirCost() throws {
    let trained = try run(slot: 1, epochs: 10)
    let text = try TripleText(graph: graph, tokenizer: trained.run.tokenizer)
    // Inputs of a line with a slot, whose every object is one of two tokens or of one.
    func inputs(_ query: Int) -> Int {
      let query = graph.queries[query]
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      let object = graph.answers[query.answers.lowerBound].object
      return prompt.count + 4 + text.completion(object: object).count - 1
    }
    let training = training { $0.attack = "random" }
    let (hardening, tallies) = try harden(trained, training)
    let size = Double(trained.run.record.nonEmbeddingParameterCount)
    var spent = 0.0
    var before = trained.run.record.weightsHash
    let asked = try testQueries(trained, training)
    for round in 1...2 {
      let made = try RunFolder.open(hardening.folder(ofRound: round))
      let tally = tallies[round - 1]
      #expect(made.record.hardening == tally)
      #expect(made.record.configuration.start == before)
      #expect(
        made.record.configuration.hardening
          == HardeningRound(training, round: round, origin: trained.run.record.weightsHash ?? ""))
      #expect(tally.iterations == training.iterations(ofRound: round))
      let items = try pool(made.url)
      #expect(items.count == 20 * round && tally.poolCount == 20 * round)
      #expect(Set(items.filter { $0.round == round }.map(\.queryID)).count == 20)
      #expect(asked.isDisjoint(with: items.map(\.queryID)))
      let own = items.filter { $0.round == round }
      #expect(tally.successCount == own.count(where: \.isSuccess))
      #expect(tally.attackFLOPs == own.reduce(0) { $0 + $1.flops })
      // Each text: 2 N T; a success ends the search.
      for item in own {
        let texts = item.flops / (2 * size * Double(inputs(item.queryID)))
        #expect(texts == texts.rounded() && (1...Double(tally.iterations)).contains(texts))
        #expect(item.isSuccess || texts == Double(tally.iterations))
      }
      #expect((tally.adversarialCount, tally.cleanCount) == (20 * round, 60 - 20 * round))
      #expect(items.count { $0.loss != nil } == 20 * round)
      // All attacked texts are among the lines, and the clean ones are of some other queries.
      let read = items.reduce(0) { $0 + inputs($1.queryID) }
      let clean = tally.trainingFLOPs / size - 8 * Double(read)
      #expect(clean == (clean / 6).rounded() * 6)
      let lengths = graph.queries.indices.map(inputs)
      let lines = clean / 6 / Double(tally.cleanCount)
      #expect(
        (Double(lengths.min() ?? 0)...Double(lengths.max() ?? 0)).contains(lines))
      spent += tally.attackFLOPs + tally.trainingFLOPs
      #expect(tally.defenceFLOPs == spent)
      before = made.record.weightsHash
    }
    #expect(before != trained.run.record.weightsHash)
    #expect(
      try FileManager.default.contentsOfDirectory(
        atPath: hardening.folder(ofRound: 1).deletingLastPathComponent().path
      ).filter { !$0.hasPrefix(".") }.sorted() == ["round-1", "round-2"])
  }

  /// Queries that a test of the training asks.
  private func testQueries(
    _ trained: TrainedRun, _ training: AdversarialTraining
  ) throws -> Set<Int> {
    let test = try attack(trained.folder, trained.run.record, training)
    #expect(test.victims[0].exampleCount == training.exampleCount)
    let database = try #require(try RunDatabase.read(in: trained.folder))
    return Set(
      try database.read {
        try Int.fetchAll($0, sql: "SELECT query_id FROM attack_example")
      })
  }

  private func attack(
    _ folder: URL, _ record: RunRecord, _ training: AdversarialTraining, victim: String = "model"
  ) throws -> AttackSummary {
    var settings = AttackSettings()
    (settings.kinds, settings.victims) = ([.gcg], [victim])
    (settings.exampleCount, settings.seed) = (training.exampleCount, training.seed)
    (settings.iterations, settings.candidateCount) = (6, 64)
    return try AttackMeasure(settings).summary(
      of: MeasuredRun(folder: folder, record: record) { graph }, quiet)
  }

  /// Stopped anywhere, by any number of workers, and after half a line was written, rounds have the
  /// same bytes.
  @Test func roundsAreTheSameHowever() throws {
    let (first, second) = (try run(epochs: 10), try run(epochs: 10))
    let training = training()
    let whole = try harden(first, training, Work(workers: 3, shouldStop: { false }))
    for calls in [1, 3, 5] {
      _ = try? harden(second, training, Work(workers: 1, shouldStop: stopping(after: calls)))
    }
    let hardening = try Hardening("model", of: second.run, graph, training)
    #expect(try RunFolder.readRecord(hardening.folder(ofRound: 2)) == nil)
    let again = try harden(second, training)
    #expect(again.tallies == whole.tallies)
    for round in 1...2 {
      let names = ["model.safetensors", "pool.jsonl", "run.json"]
      for name in names {
        func data(_ hardening: Hardening) throws -> Data {
          try Data(
            contentsOf: hardening.folder(ofRound: round).appendingPathComponent(name))
        }
        guard name == "run.json" else {
          #expect(try data(whole.hardening) == data(again.hardening))
          continue
        }
        let records = try [whole.hardening, again.hardening].map {
          try RunFolder.open($0.folder(ofRound: round)).record
        }
        #expect(records[0].configuration == records[1].configuration)
        #expect(records[0].weightsHash == records[1].weightsHash)
      }
    }
    // What is there is not made again.
    #expect(try harden(second, training, Work(shouldStop: { true })).tallies == whole.tallies)
    // A pool that was altered is refused.
    try Data("{}\n".utf8).write(
      to: again.hardening.folder(ofRound: 1).appendingPathComponent(HardenedRun.poolName))
    expectFailure("pool.jsonl") { _ = try harden(second, training) }
  }

  /// A model that attacks turn half of the time holds after some rounds, and knows what it knew.
  @Test func aHardenedModelStandsAttacks() throws {
    let trained = try run(slot: 0.1, epochs: 100) { $0.size = "30k" }
    let training = training {
      ($0.rounds, $0.attackedCount, $0.iterations, $0.lastIterations) = (4, 40, 3, 4)
      ($0.candidateCount, $0.size, $0.share, $0.batchSize) = (32, 400, 0.5, 16)
      $0.learningRate = 0.001
    }
    var settings = HardeningSettings()
    settings.training = training
    settings.tests = ["suffix", "infix"].map { position in
      var test = HardeningSettings.usualTest(training)
      (test.iterations, test.candidateCount) = (6, 64)
      test.position = SlotPosition(rawValue: position) ?? .suffix
      return test
    }
    let subject = MeasuredRun(folder: trained.folder, record: trained.run.record) { graph }
    let measure = HardeningMeasure(settings)
    #expect(try measure.storedKey(of: subject) == nil)
    let summary = try measure.summary(of: subject, quiet)
    #expect(try measure.storedKey(of: subject) == summary.key)
    #expect(try measure.summary(of: subject, Work(shouldStop: { true })) == summary)
    #expect(summary.rounds.map(\.round) == [0, 1, 2, 3, 4])
    let last = summary.lastAttacks(on: "model")
    #expect(last.map(\.test) == (0...4).flatMap { _ in ["gcg", "gcg, infix"] })
    #expect(last.allSatisfy { $0.iteration == 6 })
    let own = last.filter { $0.test == "gcg" }
    // Wilson's intervals are apart.
    #expect(own[0].lower > own[4].upper)
    #expect(summary.rounds[4].accuracy > summary.rounds[0].accuracy - 0.1)
    // Numbers of a round are those of an attack on its folder, and of an evaluation.
    let folder = trained.folder.appendingPathComponent(summary.rounds[4].folder)
    let record = try RunFolder.open(folder).record
    let attack = try attack(folder, record, training)
    #expect(attack.rates.last?.successRate == own[4].successRate)
    #expect(attack.victims[0].rightCount == summary.rounds[4].rightCount)
    var options = EvaluationOptions()
    options.sampleTemperatures = []
    let evaluation = try RunFolder.open(folder).evaluate(options, graph: graph, work: quiet)
    for set in QuerySet.allCases {
      let rate = summary.rates.first { $0.round == 4 && $0.visibility == set }
      #expect(rate?.rate == evaluation.rate(.exact, temperature: 1, set)?.rate)
    }
  }

  /// A detector's rounds are detectors beside it, each of the one before.
  @Test func detectorsAreHardened() throws {
    let trained = try run(slot: 0.5, epochs: 25)
    var options = DetectionOptions()
    options.kinds = [.full]
    options.full = [.scratch(size: "3k")]
    options.fullTraining.epochs = 4
    options.tasks = [.sentence]
    (options.samples, options.evidence, options.resampleCount) = (6, 0, 0)
    _ = try DetectionRunner(
      run: trained.run, graph: graph, options: options, keepsFeatures: false
    ).run(quiet)
    let training = training { $0.isBalanced = true }
    let (hardening, tallies) = try harden(trained, training, victim: "full-3k")
    var parent = hardening.folder(ofRound: 0)
    for round in 1...2 {
      let folder = hardening.folder(ofRound: round)
      let record = try DetectorFiles.load(from: folder).record
      let made = try #require(record.hardening)
      #expect(made.tally == tallies[round - 1] && made.parent == parent.lastPathComponent)
      #expect(
        made.parentHash
          == (try ContentHash(ofFile: parent.appendingPathComponent(DetectorFiles.record)).hex))
      #expect(record.name.hasPrefix("full-3k-hardened-") && record.name.hasSuffix("-\(round)"))
      let items = try pool(folder)
      #expect(items.count == 20 * round && items.allSatisfy { $0.answer?.last == 5 })
      parent = folder
    }
    // Attacked as any detector is, by its folder's name.
    let summary = try attack(
      trained.folder, trained.run.record, training, victim: parent.lastPathComponent)
    #expect(summary.victims[0].exampleCount > 5)
    // One that was made of another is refused.
    let file = hardening.folder(ofRound: 1).appendingPathComponent(DetectorFiles.record)
    let text = try String(contentsOf: file, encoding: .utf8)
    try text.replacing("\"attacked\" : 20", with: "\"attacked\" : 21").write(
      to: file, atomically: true, encoding: .utf8)
    expectFailure("was made of another detector") {
      _ = try harden(trained, training, victim: "full-3k")
    }
  }

  @Test func whatCannotBeHardenedIsRefused() throws {
    let plain = try run(slot: 0, epochs: 1)
    expectFailure("--slot-share 0.3") { _ = try harden(plain, training()) }
    let slotted = try run(epochs: 1)
    expectFailure("give fewer --examples") {
      _ = try harden(slotted, training { $0.exampleCount = 10_000 })
    }
    for attack in ["gcq", "beast"] {
      expectFailure("it can be one of random, gcg, beam") {
        _ = try harden(slotted, training { $0.attack = attack })
      }
    }
    expectFailure("share of adversarial training is 2.0") {
      _ = try harden(slotted, training { $0.share = 2 })
    }
    expectFailure("has no detector 'full-3k'") {
      _ = try harden(slotted, training(), victim: "full-3k")
    }
  }
}
