import Analysis
import ArgumentParser
import Console
import Corpus
import Detection
import Evaluation
import Experiments
import Foundation
import LabCore
import Training

struct Harden: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model or detector on attacks on itself, in rounds.",
    discussion: """
      Each round attacks random training examples of a model that was trained with --slot-share, or of a detector of kind \
      full, puts every text that it finds into a pool with what is true of it, and trains on lines of the pool and clean ones \
      (arXiv 2407.18213). A round of a model is a run, hardened/KEY/round-1 and so on of the run's folder; one of a detector is a \
      detector beside it. Every round is then attacked, on examples that none was trained on. Interrupted, the \
      same command continues. docs/robustness.md defines each number.

      EXAMPLES:
        kglab harden runs/a
        kglab harden runs/a --attack random --iterations 64 --last-iterations 256
        kglab harden runs/a --rounds 8 --iterations 16 --last-iterations 16 --test-kind gcg,beam --test-position suffix,infix
        kglab harden runs/a/detectors/sentence-full-10k-0123abcd --balanced
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder of a finished run, or of a full detector in its detectors/.", valueName: "run"))
  var folder: String

  @Option(help: "The attack that is trained on: random, gcg, beam.")
  var attack = AttackKind.gcg

  @OptionGroup var text: SlotTextOptions

  @Option(help: "Rounds.")
  var rounds = usual.rounds

  @Option(help: "Training examples attacked in a round.")
  var attacked = usual.attackedCount

  @Option(help: "Iterations of an attack in the first round.")
  var iterations = usual.iterations

  @Option(help: "Iterations in the last round; those between lie on a line.")
  var lastIterations = usual.lastIterations

  @OptionGroup var search: TextSearchOptions

  @Option(help: "Lines that a round trains on at most.")
  var size = usual.size

  @Option(help: "Largest share of them that are attacked texts.")
  var share = usual.share

  @Option(help: "Lines of a training step.")
  var batchSize = usual.batchSize

  @Option(help: "Constant learning rate; by default a tenth of the training's peak.")
  var learningRate: Double?

  @Flag(help: "Let a detector's two classes weigh alike, as where it was trained so.")
  var balanced = false

  @Option(help: "Examples that tests ask, which no round attacks.")
  var examples = usual.exampleCount

  @Option(help: "Attacks of the tests, separated by commas; by default that of the training.")
  var testKind: String?

  @Option(help: "Where texts of the tests stand, separated by commas; by default as in training.")
  var testPosition: String?

  @Option(help: "Tokens of the tests' texts, separated by commas; by default as in training.")
  var testLength: String?

  @Option(help: "Iterations of the tests; by default those of the last round.")
  var testIterations: Int?

  @Option(help: "Decides examples, texts and the order of lines.")
  var seed: UInt64 = 0

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var graph: GraphOptions

  private static let usual = AdversarialTraining()

  private var training: AdversarialTraining {
    var training = AdversarialTraining()
    training.attack = attack.rawValue
    (training.position, training.length) = (text.position, text.length)
    (training.rounds, training.attackedCount) = (rounds, attacked)
    (training.iterations, training.lastIterations) = (iterations, lastIterations)
    (training.candidateCount, training.topK) = (search.candidates, search.topK)
    (training.beamWidth, training.keepsBest) = (search.beamWidth, search.keepBest)
    (training.size, training.share, training.batchSize) = (size, share, batchSize)
    (training.learningRate, training.isBalanced) = (learningRate, balanced)
    (training.exampleCount, training.seed) = (examples, seed)
    return training
  }

  func validate() throws {
    let training = training
    try OptionRange.require(training, AdversarialTraining.ranges)
    try OptionRange.require(share, AdversarialTraining.shareRange, "--share")
    try OptionRange.require(learningRate, AdversarialTraining.rateRange, "--learning-rate")
    try OptionRange.require(testIterations, 1...100_000, "--test-iterations")
  }

  /// Each kind at each place and length.
  private func tests() throws -> [AttackSettings] {
    var test = HardeningSettings.usualTest(training)
    if let testKind { test.kinds = try OptionList.cases(testKind, "--test-kind") }
    if let testIterations {
      (test.iterations, test.randomIterations) = (testIterations, testIterations)
    }
    let positions =
      try testPosition.map { try OptionList.cases($0, "--test-position") } ?? [text.position]
    let lengths = try testLengths()
    return positions.flatMap { (position: SlotPosition) in
      lengths.map { length in
        var own = test
        (own.position, own.length) = (position, length)
        return own
      }
    }
  }

  private func testLengths() throws -> [Int?] {
    guard let testLength else { return [text.length] }
    let range = AdversarialTraining.lengthRange
    return try OptionList.values(testLength, "--test-length") { (text: String) -> Int in
      guard let length = Int(text), range.contains(length) else {
        throw LabError(
          "--test-length '\(text)' must be whole numbers between \(range.lowerBound) and \(range.upperBound)",
          .usage)
      }
      return length
    }
  }

  func run() throws {
    var settings = HardeningSettings()
    settings.training = training
    settings.tests = try tests()
    Interruption.heed()
    let (run, detector) = try AttackedFolder.open(folder)
    guard detector != nil || !balanced else {
      throw LabError("--balanced is for a detector, and \(folder) is a run; leave it out", .usage)
    }
    let victim = detector ?? "model"
    settings.victims = [victim]
    let summary = try workers.during {
      try HardeningMeasure(settings).summary(of: graph.subject(run), $0)
    }
    if graph.json { return try Output.json(summary) }
    show(summary, victim)
    if let last = summary.rounds.last {
      Output.line("wrote \(run.url.relativePath)/\(last.folder)")
      Output.next("kglab", "attack", "\(run.url.relativePath)/\(last.folder)")
    }
  }

  private func show(_ summary: HardeningSummary, _ victim: String) {
    var table = TextTable([
      "round", "attacked", "wrong", "trained on", "clean", "FLOPs so far", "accuracy",
      "95 % interval",
    ])
    for round in summary.rounds {
      table.add([
        "\(round.round)", round.attackedCount.grouped, round.successCount.grouped,
        round.adversarialCount.grouped, round.cleanCount.grouped,
        Readable.count(round.defenceFLOPs), Readable.percent(round.accuracy),
        Readable.interval(round.lower, round.upper),
      ])
    }
    Output.table(table)
    Output.line()
    let last = summary.lastAttacks(on: victim)
    for test in last.filter({ $0.round == 0 }) {
      Output.line("\(test.test), \(test.iteration) iterations")
      var table = TextTable(["round", "success", "95 % interval", "right under attack"])
      for one in last where one.test == test.test {
        table.add([
          "\(one.round)", Readable.percent(one.successRate),
          Readable.interval(one.lower, one.upper), Readable.percent(one.accuracy),
        ])
      }
      Output.table(table)
      for target in [0.05, 0.2, 0.5] {
        guard let line = summary.exponent(of: victim, test: test.test, target: target) else {
          continue
        }
        Output.line(
          "FLOPs to \(Readable.percent(target)) grow as the defence's to the power "
            + "\(Readable.fixed(line.slope.value, 2))"
            + (line.slope.interval.map {
              ", 95 % \(Readable.fixed($0.low, 2)) to \(Readable.fixed($0.high, 2))"
            } ?? "") + " over \(line.slope.count) rounds; 1 is parity")
      }
      Output.line()
    }
    guard !summary.rates.isEmpty else { return }
    Output.line("exact hallucination rate without an attack, with 95 % intervals over subjects")
    var rates = TextTable(["round", "queries", "rate", "95 % interval"])
    for rate in summary.rates {
      rates.add([
        "\(rate.round)", rate.visibility.rawValue, Readable.percent(rate.rate),
        Readable.interval(rate.lower, rate.upper),
      ])
    }
    Output.table(rates)
    Output.line()
  }
}

/// A run, or a detector in its folder, that a command is given.
enum AttackedFolder {
  /// The run, and the name of a detector's folder where that was given.
  static func open(_ folder: String) throws -> (RunFolder, detector: String?) {
    let url = URL(fileURLWithPath: folder, isDirectory: true)
    let record = url.appendingPathComponent(DetectorFiles.record)
    guard FileManager.default.fileExists(atPath: record.path) else {
      return (try RunFolder.open(folder), nil)
    }
    let run = url.standardizedFileURL.deletingLastPathComponent().deletingLastPathComponent()
    return (try RunFolder.open(run), url.lastPathComponent)
  }
}

extension AttackKind: ExpressibleByArgument {}
