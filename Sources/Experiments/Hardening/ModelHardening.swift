import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// Rounds of a run's model: each a run in a folder of its own.
struct ModelHardeningPlace: HardeningPlace {
  let run: RunFolder
  let graph: KnowledgeGraph
  let rounds: URL

  var origin: String { run.record.weightsHash ?? "" }

  func folder(_ round: Int) -> URL {
    round == 0 ? run.url : rounds.appendingPathComponent("round-\(round)")
  }

  private func parent(of round: HardeningRound) throws -> RunFolder {
    round.round == 1 ? run : try RunFolder.open(folder(round.round - 1))
  }

  func found(_ round: HardeningRound) throws -> (tally: HardeningTally, pool: Data)? {
    let made = try HardenedRun(of: parent(of: round), round, into: folder(round.round)).found()
    guard let made, let tally = made.record.hardening else { return nil }
    let pool = try Data(contentsOf: made.url.appendingPathComponent(HardenedRun.poolName))
    return (tally, pool)
  }

  func trainee(for round: HardeningRound) throws -> any HardeningTrainee {
    let parent = try parent(of: round)
    return try ModelTrainee(
      parent, graph, round.training, into: HardenedRun(of: parent, round, into: folder(round.round))
    )
  }
}

/// A run's model that learns from attacks on itself.
private struct ModelTrainee: HardeningTrainee {
  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let training: AdversarialTraining
  private let made: HardenedRun
  private let model: LanguageModel

  init(
    _ run: RunFolder, _ graph: KnowledgeGraph, _ training: AdversarialTraining,
    into made: HardenedRun
  ) throws {
    self.run = run
    self.graph = graph
    self.training = training
    self.made = made
    model = try run.loadModel()
  }

  private var victim: AttackIdentity.Victim {
    AttackIdentity.Victim(name: AttackTarget.model, key: run.record.weightsHash ?? "")
  }

  /// The queries that tests ask are the first in the order of attacks of the training's seed; the
  /// others are drawn from.
  func attacked(
    _ settings: AttackSettings, seed: Seed
  ) throws -> (target: AttackTarget, examples: [AttackedExample]) {
    var tests = settings
    (tests.exampleCount, tests.seed) = (training.exampleCount, training.seed)
    let asked = try AttackTargets(run, graph: graph, tests)
    let all = asked.seenQueries()
    var rest = Array(try asked.model(victim, among: all[...]).rest)
    guard !rest.isEmpty else {
      throw LabError(
        "tests ask all \(all.count) queries that \(run.url.relativePath) was trained on, so that none is left to attack "
          + "in training; give fewer --examples", .usage)
    }
    var stream = seed.stream("examples")
    stream.shuffle(&rest)
    let target = try AttackTargets(run, graph: graph, settings).model(victim, among: rest[...])
      .target
    return (target, target.examples)
  }

  var cleanCount: Int { get throws { try run.lineCount(on: graph) } }

  mutating func train(
    on items: [PoolItem], clean count: Int, _ training: AdversarialTraining, seed: Seed,
    _ work: Work
  ) throws -> (losses: [Double], flops: Double) {
    let settings = try training.attacks(ofRound: 1, seed: seed)
    let targets = try AttackTargets(run, graph: graph, settings)
    var stream = seed.stream("lines")
    var lines = try items.map { item in
      let objects = taught(item)
      let object = objects[stream.below(objects.count)]
      let text = try targets.text(item, object: object)
      let (line, prompt) = (text.line, text.prompt.count)
      return TrainingLine(
        tokens: line.dropLast(),
        targets: line.indices.dropFirst().map { $0 < prompt ? -1 : line[$0] })
    }
    lines += try run.lines(count, on: graph, seed: seed.derived("clean"))
    stream.shuffle(&lines)
    try descend(lines, training, work)
    let losses = try losses(of: items, targets)
    let tokens = lines.reduce(0) { $0 + $1.tokens.count }
    let size = Double(model.configuration.nonEmbeddingParameterCount)
    return (losses.values, size * (6 * Double(tokens) + 2 * Double(losses.tokens)))
  }

  /// Objects of a query that its training may show.
  private func taught(_ item: PoolItem) -> [Int32] {
    graph.answers[graph.queries[item.queryID].answers].filter(\.isVisible).map(\.object)
  }

  /// One pass over the lines at a constant rate, with the settings of the run's own training else.
  private func descend(
    _ lines: [TrainingLine], _ training: AdversarialTraining, _ work: Work
  ) throws {
    var own = run.record.configuration.training
    own.precision = .fp32
    let rate = training.learningRate ?? 0.1 * own.learningRate
    let objective = try NextTokenLoss(
      model, zLoss: own.zLoss, longestSequence: lines.map(\.tokens.count).max() ?? 1,
      workers: work.workers)
    let step = try TrainingStep(
      model, own, on: WorkerPool(workerCount: work.workers), streams: objective.streams)
    for (number, first) in stride(from: 0, to: lines.count, by: training.batchSize).enumerated() {
      if work.shouldStop() { throw LabError.interrupted("stopped while a round was trained") }
      var batch = TokenBatch()
      for line in lines[first..<min(first + training.batchSize, lines.count)] {
        batch.append(tokens: line.tokens, targets: line.targets)
      }
      let (loss, norm) = objective.gradient(of: batch, in: step)
      guard loss.isFinite, norm.isFinite else {
        throw LabError(
          "the loss is no longer a number in a round of adversarial training of \(run.url.relativePath); lower the "
            + "learning rate", .failure)
      }
      step.update(norm: norm, learningRate: rate, number: number)
    }
    step.packModel()
  }

  /// -log of the probability of an answer that training may show, in nats, and the tokens that were
  /// read.
  private func losses(
    of items: [PoolItem], _ targets: AttackTargets
  ) throws -> (values: [Double], tokens: Int) {
    let session = try InferenceSession(
      model, maximumTokens: max(1_024, model.configuration.contextLength))
    var tokens = 0
    let asked = try items.map { item in
      let texts = try taught(item).map { try targets.text(item, object: $0) }
      tokens += texts.reduce(0) { $0 + $1.line.count - 1 }
      return PromptedCompletions(
        prompt: texts.first?.prompt ?? [], completions: texts.map(\.example.answer))
    }
    let values = try session.completionLogProbabilities(asked).map { completions in
      -log(completions.reduce(0) { $0 + exp($1[0]) })
    }
    return (values, tokens)
  }

  func write(_ round: HardeningRound, _ tally: HardeningTally, pool: Data) throws {
    try made.write(model, tally, pool: pool)
  }
}
