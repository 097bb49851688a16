import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// Rounds of a detector: each a detector's folder beside it.
struct DetectorHardeningPlace: HardeningPlace {
  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let base: URL
  private let key: String
  private let baseName: String
  let origin: String

  init(_ run: RunFolder, _ graph: KnowledgeGraph, detector: URL, key: String) throws {
    self.run = run
    self.graph = graph
    self.key = key
    base = detector
    baseName = try DetectorFiles.load(from: detector).record.name
    origin = try AttackDetectors.key(of: detector)
  }

  func folder(_ round: Int) -> URL { Self.folder(round, of: base, key: key) }

  /// The folder of a round of the detector in `base`, beside it.
  static func folder(_ round: Int, of base: URL, key: String) -> URL {
    round == 0
      ? base
      : base.deletingLastPathComponent().appendingPathComponent(
        suffixed(base.lastPathComponent, round, key))
  }

  private static func suffixed(_ name: String, _ round: Int, _ key: String) -> String {
    "\(name)-hardened-\(key)-\(round)"
  }

  func found(_ round: HardeningRound) throws -> (tally: HardeningTally, pool: Data)? {
    let folder = folder(round.round)
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    let record = try DetectorFiles.load(from: folder).record
    let parent = try AttackDetectors.key(of: self.folder(round.round - 1))
    guard let made = record.hardening, made.round == round, made.parentHash == parent else {
      throw LabError(
        "\(folder.relativePath) was made of another detector than \(self.folder(round.round - 1).relativePath); remove "
          + "it to train it anew")
    }
    return (made.tally, try DetectorFiles.pool(of: record, in: folder))
  }

  func trainee(for round: HardeningRound) throws -> any HardeningTrainee {
    try DetectorTrainee(
      run, graph, round.training, parent: folder(round.round - 1), into: folder(round.round),
      named: Self.suffixed(baseName, round.round, key))
  }
}

/// A detector that learns from attacks on itself.
private struct DetectorTrainee: HardeningTrainee {
  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let parent: URL
  private let folder: URL
  private let name: String
  private let record: DetectorRecord
  private var network: FullNetwork
  /// Answers about the subjects that the detector was trained on.
  private let target: AttackTarget
  private let targets: AttackTargets
  private let parentKey: String

  init(
    _ run: RunFolder, _ graph: KnowledgeGraph, _ training: AdversarialTraining, parent: URL,
    into folder: URL, named name: String
  ) throws {
    self.run = run
    self.graph = graph
    self.parent = parent
    self.folder = folder
    self.name = name
    let (detector, record) = try DetectorFiles.load(from: parent)
    guard let network = detector.model as? FullNetwork else {
      throw LabError(
        "the detector in \(parent.relativePath) reads no text that could be attacked; give one of kind full for whole "
          + "answers")
    }
    self.record = record
    self.network = network
    parentKey = try AttackDetectors.key(of: parent)
    var settings = try training.attacks(ofRound: 1, seed: Seed(training.seed))
    (settings.exampleCount, settings.seed) = (.max, training.seed)
    targets = try AttackTargets(run, graph: graph, settings)
    target = try targets.detector(
      AttackIdentity.Victim(name: parent.lastPathComponent, key: parentKey), part: .train)
  }

  func attacked(
    _ settings: AttackSettings, seed: Seed
  ) throws -> (target: AttackTarget, examples: [AttackedExample]) {
    (target, Array(shuffled(seed.stream("examples")).prefix(settings.exampleCount)))
  }

  private func shuffled(_ stream: RandomStream) -> [AttackedExample] {
    var (stream, examples) = (stream, target.examples)
    stream.shuffle(&examples)
    return examples
  }

  var cleanCount: Int { target.examples.count }

  mutating func train(
    on items: [PoolItem], clean count: Int, _ training: AdversarialTraining, seed: Seed,
    _ work: Work
  ) throws -> (losses: [Double], flops: Double) {
    let texts = try items.map { try targets.text($0, answer: $0.answer ?? []) }
    var lines = texts.map {
      JudgedLine(
        tokens: $0.line, promptCount: $0.prompt.count, isHallucination: $0.example.isHallucination)
    }
    lines += clean(Array(shuffled(seed.stream("clean")).prefix(count)), seed.stream("slot"))
    var stream = seed.stream("lines")
    stream.shuffle(&lines)
    let rate =
      training.learningRate
      ?? 0.1 * LearningRateRule.peak(modelDimension: record.model.modelDimension)
    network = try network.trained(
      on: lines, learningRate: rate, batchSize: training.batchSize,
      weights: training.isBalanced ? classWeights : (1, 1), workers: work.workers,
      unless: work.shouldStop)
    // The loss of the true verdict is that of the wrong one on an answer of the other kind.
    let losses = try DetectorVictim(network).losses(of: texts.map(\.denied))
    let tokens = lines.reduce(0) { $0 + $1.tokens.count }
    let read = texts.reduce(0) { $0 + $1.line.count }
    let size = Double(target.parameterCount)
    return (losses, size * (6 * Double(tokens) + 2 * Double(read)))
  }

  /// Answers as they were, of which the share that had a slot in training has one of random tokens.
  private func clean(_ examples: [AttackedExample], _ stream: RandomStream) -> [JudgedLine] {
    let lines = examples.map { AttackedText($0, field: []).line }
    let slot = run.record.configuration.corpus.slot
    let filled = slot.flatMap { slot in
      run.tokenizer.slotToken.map { slot.fill(lines, token: $0, stream: stream) }
    }
    return zip(examples, filled ?? lines).map { example, line in
      JudgedLine(
        tokens: line, promptCount: line.count - example.answer.count,
        isHallucination: example.isHallucination)
    }
  }

  /// Of hallucinations and other answers, 1 in the mean over the clean ones.
  private var classWeights: (positive: Float, negative: Float) {
    let positive = Float(target.examples.count(where: \.isHallucination))
    let count = Float(target.examples.count)
    guard positive > 0, positive < count else { return (1, 1) }
    return (count / (2 * positive), count / (2 * (count - positive)))
  }

  func write(_ round: HardeningRound, _ tally: HardeningTally, pool: Data) throws {
    try DetectorFiles.save(
      network, named: name, of: record,
      DetectorHardening(
        round: round, tally: tally, parent: parent.lastPathComponent, parentHash: parentKey),
      pool: pool, to: folder)
  }
}

extension AttackedText {
  /// The same text with the other verdict.
  fileprivate var denied: AttackedText {
    AttackedText(
      AttackedExample(
        query: example.query, subject: example.subject, predicate: example.predicate,
        before: example.before, after: example.after, answer: example.answer,
        isHallucination: !example.isHallucination), field: field)
  }
}
