package import Corpus
import LabCore

/// How a model is trained on attacks on itself, in rounds (arXiv 2407.18213): what decides a round
/// beside its start.
///
/// Each round attacks some training examples with the model as it is, puts every text that was
/// found into a pool with what is true of it, whether or not it made the model wrong, and trains on
/// lines of the pool and clean ones, each once.
package struct AdversarialTraining: Codable, Hashable, Sendable {
  /// Kind of attack: a word of `kglab attack --kind`.
  package var attack = "gcg"
  package var position = SlotPosition.suffix
  /// Tokens after `<X>`; nil for as many as in training.
  package var length: Int?
  package var rounds = 5
  /// Training examples attacked in a round, whether or not the model is right about them.
  package var attackedCount = 200
  /// Iterations of the attacks of the first round.
  package var iterations = 8
  /// Those of the last round, with rounds between on a line: the same as the first for no ramp.
  package var lastIterations = 64
  package var candidateCount = 128
  package var topK = 256
  package var beamWidth = 5
  package var keepsBest = false
  /// Lines that a round trains on at most.
  package var size = 1_000
  /// Largest share of them that are attacked texts.
  package var share = 0.8
  /// Lines of a step.
  package var batchSize = 32
  /// Constant; nil for a tenth of the peak of the run's own training, or of what is usual for a
  /// detector.
  package var learningRate: Double?
  /// Whether a detector's two classes weigh alike in the loss, as where it was trained so.
  package var isBalanced = false
  /// Examples that are left to tests; of a detector they are about subjects that it was not trained
  /// on.
  package var exampleCount = 200
  package var seed: UInt64 = 0

  package init() {}

  enum CodingKeys: String, SnakeCaseKey {
    case attack, position, length, rounds, iterations, size, share, seed, lastIterations, topK,
      beamWidth, batchSize, learningRate
    case candidateCount = "candidates"
    case isBalanced = "balanced"
    case exampleCount = "examples"
    case attackedCount = "attacked"
    case keepsBest = "keep_best"
  }

  /// The whole numbers with their ranges, by their names in a study, which with dashes are those of
  /// the options.
  package static let numbers:
    [(
      name: String, path: any WritableKeyPath<AdversarialTraining, Int> & Sendable,
      range: ClosedRange<Int>
    )] = [
      ("rounds", \.rounds, 1...1_000), ("attacked", \.attackedCount, 1...1_000_000),
      ("iterations", \.iterations, 1...100_000),
      ("last_iterations", \.lastIterations, 1...100_000),
      ("candidates", \.candidateCount, 1...1_000_000), ("top_k", \.topK, 1...1_000_000),
      ("beam_width", \.beamWidth, 1...10_000), ("size", \.size, 2...1_000_000),
      ("batch_size", \.batchSize, 1...65_536), ("examples", \.exampleCount, 1...1_000_000),
    ]
  /// Of tokens after `<X>`.
  package static let lengthRange = 1...1_024
  package static let shareRange = 0.01...0.99
  package static let rateRange = 1e-9...1.0

  /// Iterations of the attacks of a round, from 1: first + floor((round - 1) (last - first) /
  /// (rounds - 1)).
  package func iterations(ofRound round: Int) -> Int {
    guard rounds > 1 else { return iterations }
    return iterations + (round - 1) * (lastIterations - iterations) / (rounds - 1)
  }

  /// Lines of a round: `size`, or all where there are fewer, of which at most `share` are attacked
  /// texts.
  package func lineCounts(pool: Int, clean: Int) -> (adversarial: Int, clean: Int) {
    let total = min(pool + clean, size)
    var adversarial = min(pool, Int(share * Double(total)))
    if total - adversarial > clean {
      adversarial = min(pool, Int(share / (1 - share) * Double(clean)))
    }
    return (adversarial, min(clean, total - adversarial))
  }

  /// Throws `LabError` naming the setting that is out of its range.
  package func validate() throws {
    func require<Value: Comparable>(
      _ name: String, _ value: Value?, _ range: ClosedRange<Value>
    ) throws {
      guard let value, !range.contains(value) else { return }
      throw LabError(
        "\(name) of adversarial training is \(value); it must be between \(range.lowerBound) and \(range.upperBound)",
        .usage)
    }
    for (name, path, range) in Self.numbers { try require(name, self[keyPath: path], range) }
    try require("length", length, Self.lengthRange)
    try require("share", share, Self.shareRange)
    try require("learning_rate", learningRate, Self.rateRange)
  }
}

/// One round of adversarial training: where it is in which rounds.
package struct HardeningRound: Codable, Hashable, Sendable {
  package let training: AdversarialTraining
  /// From 1.
  package let round: Int
  /// What the first round started from: SHA-256 of a model's weights, or of a detector's record.
  package let origin: String

  package init(_ training: AdversarialTraining, round: Int, origin: String) {
    self.training = training
    self.round = round
    self.origin = origin
  }
}

/// What a round of adversarial training did.
package struct HardeningTally: Codable, Hashable, Sendable {
  /// Iterations of an attack.
  package let iterations: Int
  /// Training examples attacked, and those that their last text made wrong.
  package let attackedCount: Int
  package let successCount: Int
  /// Attacked texts of all rounds so far.
  package let poolCount: Int
  /// Lines trained on: attacked texts, and clean ones.
  package let adversarialCount: Int
  package let cleanCount: Int
  /// Floating-point operations of this round's attacks, and of its training.
  package let attackFLOPs: Double
  package let trainingFLOPs: Double
  /// Of both, in all rounds so far.
  package let defenceFLOPs: Double
  /// SHA-256 of pool.jsonl.
  package let poolHash: String

  package init(
    iterations: Int, attackedCount: Int, successCount: Int, poolCount: Int, adversarialCount: Int,
    cleanCount: Int, attackFLOPs: Double, trainingFLOPs: Double, defenceFLOPs: Double,
    poolHash: String
  ) {
    self.iterations = iterations
    self.attackedCount = attackedCount
    self.successCount = successCount
    self.poolCount = poolCount
    self.adversarialCount = adversarialCount
    self.cleanCount = cleanCount
    self.attackFLOPs = attackFLOPs
    self.trainingFLOPs = trainingFLOPs
    self.defenceFLOPs = defenceFLOPs
    self.poolHash = poolHash
  }

  enum CodingKeys: String, SnakeCaseKey {
    case iterations, attackFLOPs, trainingFLOPs, defenceFLOPs
    case attackedCount = "attacked"
    case successCount = "successes"
    case poolCount = "pool"
    case adversarialCount = "adversarial_lines"
    case cleanCount = "clean_lines"
    case poolHash = "pool_sha256"
  }

  /// The counts, for range checks.
  var counts: [Int] {
    [iterations, attackedCount, successCount, poolCount, adversarialCount, cleanCount]
  }
}
