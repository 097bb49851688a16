package import Analysis
package import Evaluation
import GRDB
import LabCore
import Training

/// Everything that decides what adversarial training comes to.
package struct HardeningIdentity: Codable, Hashable, Sendable {
  let settings: HardeningSettings
  /// Hashes of the model's weights and of detectors' records.
  let victims: [String]
}

/// Everything that `kglab harden` says.
package struct HardeningSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: HardeningIdentity
  package let rounds: [HardenedRound]
  package let attacks: [HardeningAttack]
  package let rates: [HardeningRate]

  /// The rates of success of tests at their last iteration, by round.
  package func lastAttacks(on victim: String) -> [HardeningAttack] {
    let own = attacks.filter { $0.victim == victim }
    return own.indices.filter { index in
      index + 1 == own.count || own[index + 1].round != own[index].round
        || own[index + 1].test != own[index].test
    }.map { own[$0] }
  }

  /// The exponent with which the compute of a test to a rate of success grows with that of the
  /// defence; nil where fewer than two rounds reach the rate.
  package func exponent(
    of victim: String, test: String, target: Double
  ) -> OffenceDefence.Line? {
    let points = rounds.filter { $0.victim == victim && $0.defenceFLOPs > 0 }.compactMap {
      round -> (defence: Double, attack: Double)? in
      let model = AttackedModel(
        size: Double(round.parameters),
        points: attacks.filter {
          $0.victim == victim && $0.test == test && $0.round == round.round
        }.map {
          AttackedModel.Point(
            seed: 0, iteration: Double($0.iteration), rate: $0.successRate,
            flops: $0.flopsPerIteration)
        })
      return model.iteration(reaching: target).map {
        (defence: round.defenceFLOPs, attack: $0 * model.flopsPerIteration)
      }
    }
    return OffenceDefence.exponent(points)
  }
}

/// A round of adversarial training, or what it began with, without an attack.
package struct HardenedRound: Codable, Hashable, Sendable, EncodableRecord {
  package let victim: String
  /// Outside the embedding.
  package let parameters: Int
  /// 0 for what it began with.
  package let round: Int
  /// From the run's folder.
  package let folder: String
  /// SHA-256 of the model's weights, or of the detector's record.
  package let key: String
  /// Of the round's attacks on training examples; 0 in round 0, as all that follow.
  package let iterations: Int
  package let attackedCount: Int
  package let successCount: Int
  package let poolCount: Int
  package let adversarialCount: Int
  package let cleanCount: Int
  package let attackFLOPs: Double
  package let trainingFLOPs: Double
  /// Of all rounds so far.
  package let defenceFLOPs: Double
  /// Of the tests' examples, those that are right without an attack, with Wilson's 95 % interval
  /// over examples.
  package let exampleCount: Int
  package let rightCount: Int
  package let accuracy: Double
  package let lower: Double
  package let upper: Double

  init(
    victim: String, parameters: Int, round: Int, folder: String, key: String,
    tally: HardeningTally?, clean: AttackSummary.Victim
  ) {
    self.victim = victim
    self.parameters = parameters
    self.round = round
    self.folder = folder
    self.key = key
    iterations = tally?.iterations ?? 0
    attackedCount = tally?.attackedCount ?? 0
    successCount = tally?.successCount ?? 0
    poolCount = tally?.poolCount ?? 0
    adversarialCount = tally?.adversarialCount ?? 0
    cleanCount = tally?.cleanCount ?? 0
    attackFLOPs = tally?.attackFLOPs ?? 0
    trainingFLOPs = tally?.trainingFLOPs ?? 0
    defenceFLOPs = tally?.defenceFLOPs ?? 0
    exampleCount = clean.exampleCount
    rightCount = clean.rightCount
    let interval = Wilson.interval(successes: clean.rightCount, trials: clean.exampleCount)
    accuracy = Double(clean.rightCount) / Double(clean.exampleCount)
    (lower, upper) = (interval.low, interval.high)
  }

  enum CodingKeys: String, SnakeCaseKey {
    case victim, parameters, round, folder, iterations, accuracy, lower, upper, attackedCount,
      successCount, poolCount, attackFLOPs, trainingFLOPs, defenceFLOPs, exampleCount, rightCount
    case key = "sha256"
    case adversarialCount = "adversarial_lines"
    case cleanCount = "clean_lines"
  }
}

/// How often a test had succeeded on a round by an iteration.
package struct HardeningAttack: Codable, Hashable, Sendable, EncodableRecord {
  package let victim: String
  package let round: Int
  /// What the test has other than the training.
  package let test: String
  package let attack: AttackKind
  package let position: String
  /// Tokens after `<X>`.
  package let length: Int
  package let iteration: Int
  package let attackedCount: Int
  package let successCount: Int
  package let successRate: Double
  package let lower: Double
  package let upper: Double
  /// Right under attack, of all examples.
  package let accuracy: Double
  package let flopsPerIteration: Double

  init(
    _ rate: AttackRate, of victim: String, round: Int, test: String, position: String, length: Int
  ) {
    self.victim = victim
    self.round = round
    self.test = test
    self.position = position
    self.length = length
    attack = rate.attack
    iteration = rate.iteration
    attackedCount = rate.attackedCount
    successCount = rate.successCount
    successRate = rate.successRate
    (lower, upper) = (rate.lower, rate.upper)
    accuracy = rate.accuracy
    flopsPerIteration = rate.flopsPerIteration
  }

  enum CodingKeys: String, SnakeCaseKey {
    case victim, round, test, attack, position, length, iteration, lower, upper, accuracy,
      attackedCount, successCount, successRate, flopsPerIteration
  }
}

/// The exact hallucination rate of a round's model, at temperature 1 and without an attack, with
/// its 95 % interval over subjects.
package struct HardeningRate: Codable, Hashable, Sendable, EncodableRecord {
  package let victim: String
  package let round: Int
  package let visibility: QuerySet
  package let rate: Double
  package let lower: Double?
  package let upper: Double?
  package let queryCount: Int

  enum CodingKeys: String, CodingKey {
    case victim, round, visibility, rate, lower, upper
    case queryCount = "query_count"
  }
}

extension ResultTable {
  /// What each round did, and how well it does without an attack.
  static let hardeningRounds = ResultTable(
    "hardening_round", key: "victim, round",
    columns: """
        victim TEXT NOT NULL, parameters INTEGER NOT NULL,
        round INTEGER NOT NULL CHECK (round >= 0), folder TEXT NOT NULL,
        sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
        iterations INTEGER NOT NULL CHECK (iterations >= 0),
        attacked_count INTEGER NOT NULL CHECK (attacked_count >= 0),
        success_count INTEGER NOT NULL CHECK (success_count BETWEEN 0 AND attacked_count),
        pool_count INTEGER NOT NULL CHECK (pool_count >= 0),
        adversarial_lines INTEGER NOT NULL CHECK (adversarial_lines >= 0),
        clean_lines INTEGER NOT NULL CHECK (clean_lines >= 0),
        attack_flops REAL NOT NULL CHECK (attack_flops >= 0),
        training_flops REAL NOT NULL CHECK (training_flops >= 0),
        defence_flops REAL NOT NULL CHECK (defence_flops >= 0),
        example_count INTEGER NOT NULL CHECK (example_count > 0),
        right_count INTEGER NOT NULL CHECK (right_count BETWEEN 0 AND example_count),
        accuracy REAL NOT NULL CHECK (accuracy BETWEEN 0 AND 1),
        lower REAL NOT NULL, upper REAL NOT NULL
      """)

  /// How often each test had succeeded on each round by each iteration.
  static let hardeningAttacks = ResultTable(
    "hardening_attack", key: "victim, round, test, iteration",
    columns: """
        victim TEXT NOT NULL, round INTEGER NOT NULL CHECK (round >= 0), test TEXT NOT NULL,
        attack TEXT NOT NULL, position TEXT NOT NULL, length INTEGER NOT NULL CHECK (length > 0),
        iteration INTEGER NOT NULL CHECK (iteration > 0),
        attacked_count INTEGER NOT NULL CHECK (attacked_count > 0),
        success_count INTEGER NOT NULL CHECK (success_count BETWEEN 0 AND attacked_count),
        success_rate REAL NOT NULL CHECK (success_rate BETWEEN 0 AND 1),
        lower REAL NOT NULL, upper REAL NOT NULL,
        accuracy REAL NOT NULL CHECK (accuracy BETWEEN 0 AND 1),
        flops_per_iteration REAL NOT NULL CHECK (flops_per_iteration > 0)
      """)

  /// Hallucination rates of each round's model without an attack.
  static let hardeningRates = ResultTable(
    "hardening_rate", key: "victim, round, visibility",
    columns: """
        victim TEXT NOT NULL, round INTEGER NOT NULL CHECK (round >= 0), visibility TEXT NOT NULL,
        rate REAL NOT NULL CHECK (rate BETWEEN 0 AND 1), lower REAL, upper REAL,
        query_count INTEGER NOT NULL CHECK (query_count > 0)
      """)
}
