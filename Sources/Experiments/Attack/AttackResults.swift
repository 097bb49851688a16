package import Analysis
import Evaluation
import GRDB
import LabCore

/// Everything that decides what attacks come to.
package struct AttackIdentity: Codable, Hashable, Sendable {
  /// What is attacked: "model", with the hash of its weights, or a detector, with that of its
  /// record.
  package struct Victim: Codable, Hashable, Sendable {
    let name: String
    let key: String
  }

  package let settings: AttackSettings
  let victims: [Victim]
  /// Hash of the weights that propose texts; nil, and no key, where none are wanted.
  var proposer: String?
}

/// How often one kind of attack has succeeded by an iteration.
package struct AttackRate: Codable, Hashable, Sendable, EncodableRecord {
  /// "model", or a detector's name, and its parameters outside the embedding.
  package let victim: String
  package let parameterCount: Int
  package let attack: AttackKind
  /// From 1.
  package let iteration: Int
  /// Examples that were right without an attack.
  package let attackedCount: Int
  package let successCount: Int
  /// Of those attacked, with Wilson's 95 % interval over examples.
  package let successRate: Double
  package let lower: Double
  package let upper: Double
  /// Right under attack, of all examples; for an attack that is no success the model was right.
  package let accuracy: Double
  /// Mean floating-point operations of one iteration on one example.
  package let flopsPerIteration: Double

  enum CodingKeys: String, SnakeCaseKey {
    case victim, attack, iteration, lower, upper, accuracy, attackedCount, successCount,
      successRate, flopsPerIteration
    case parameterCount = "parameters"
  }
}

/// Everything that `kglab attack` says.
package struct AttackSummary: Codable, Hashable, Sendable {
  /// What was attacked, and how well it does without an attack.
  package struct Victim: Codable, Hashable, Sendable {
    package let name: String
    package let parameterCount: Int
    package let exampleCount: Int
    /// Examples that it is right about.
    package let rightCount: Int
    /// Tokens after `<X>`.
    package let length: Int

    enum CodingKeys: String, SnakeCaseKey {
      case name, length, exampleCount, rightCount
      case parameterCount = "parameters"
    }

    /// Accuracy without an attack, with Wilson's 95 % interval over examples.
    package var accuracy: Estimate? {
      Wilson.estimate(successes: rightCount, trials: exampleCount)
    }
  }

  package let key: String
  package let identity: AttackIdentity
  package let victims: [Victim]
  package let rates: [AttackRate]

  /// The rates of one kind of attack on one victim, by iteration.
  package func rates(_ victim: String, _ kind: AttackKind) -> [AttackRate] {
    rates.filter { $0.victim == victim && $0.attack == kind }
  }

  /// The slope of the log-odds of success on compute; nil where fewer than two rates lie between 0
  /// and 1.
  package static func slope(of rates: [AttackRate]) -> Double? {
    AttackedModel(
      size: 1,
      points: rates.map {
        AttackedModel.Point(
          seed: 0, iteration: Double($0.iteration), rate: $0.successRate,
          flops: $0.flopsPerIteration)
      }
    ).slope()?.value
  }
}

/// A query that was asked, attacked or not.
struct AttackExampleRow: ResultRow {
  let victim: String
  let queryID: Int
  let answer: String
  let isRight: Bool
  /// What a model is driven towards.
  let targetID: Int32?
  /// Of the answer that a detector judges.
  let isHallucination: Bool?
}

/// An iteration on an example.
struct AttackStepRow: ResultRow {
  let victim: String
  let attack: AttackKind
  let queryID: Int
  let iteration: Int
  let text: String
  let tokenIDs: String
  let answer: String
  let isSuccess: Bool
  let loss: Double?
  let flops: Double
}

extension ResultTable {
  /// How often each kind of attack has succeeded by each iteration.
  static let attackRates = ResultTable(
    "attack_rate", of: "attack", key: "victim, attack, iteration",
    columns: """
        victim TEXT NOT NULL, parameters INTEGER NOT NULL,
        attack TEXT NOT NULL,
        iteration INTEGER NOT NULL CHECK (iteration > 0),
        attacked_count INTEGER NOT NULL CHECK (attacked_count > 0),
        success_count INTEGER NOT NULL CHECK (success_count BETWEEN 0 AND attacked_count),
        success_rate REAL NOT NULL CHECK (success_rate BETWEEN 0 AND 1),
        lower REAL NOT NULL, upper REAL NOT NULL,
        accuracy REAL NOT NULL CHECK (accuracy BETWEEN 0 AND 1),
        flops_per_iteration REAL NOT NULL CHECK (flops_per_iteration > 0)
      """)

  /// Every query that was asked; in run.sqlite only.
  static let attackExamples = ResultTable(
    "attack_example", of: "attack", key: "victim, query_id",
    columns: """
        victim TEXT NOT NULL, query_id INTEGER NOT NULL, answer TEXT NOT NULL,
        is_right INTEGER NOT NULL CHECK (is_right IN (0, 1)), target_id INTEGER,
        is_hallucination INTEGER CHECK (is_hallucination IN (0, 1))
      """)

  /// Every iteration on every attacked example; in run.sqlite only.
  static let attackSteps = ResultTable(
    "attack_step", of: "attack", key: "victim, attack, query_id, iteration",
    columns: """
        victim TEXT NOT NULL, attack TEXT NOT NULL, query_id INTEGER NOT NULL, iteration INTEGER NOT NULL,
        text TEXT NOT NULL, token_ids TEXT NOT NULL, answer TEXT NOT NULL,
        is_success INTEGER NOT NULL CHECK (is_success IN (0, 1)), loss REAL,
        flops REAL NOT NULL CHECK (flops > 0)
      """)
}

extension RunDatabase {
  /// Makes the table of rates again where it is one of before BEAST, which admits the three kinds
  /// of then only.
  static func admitAllAttacks(in database: Database) throws {
    let table = ResultTable.attackRates
    let definition = try String.fetchOne(
      database, sql: "SELECT sql FROM sqlite_master WHERE name = ?", arguments: [table.name])
    guard definition?.contains("'beam')") == true else { return }
    try database.execute(
      sql: """
        ALTER TABLE \(table.name) RENAME TO attack_rate_of_before;
        \(table.definition)
        INSERT INTO \(table.name) SELECT * FROM attack_rate_of_before;
        DROP TABLE attack_rate_of_before;
        """)
  }

  /// Stores whole examples.
  func store(_ examples: [AttackExampleRow], _ steps: [AttackStepRow], of attack: Int64) throws {
    try write { database in
      try ResultTable.attackExamples.insert(examples, of: attack, in: database)
      try ResultTable.attackSteps.insert(steps, of: attack, in: database)
    }
  }

  /// The rates of all stored iterations on a victim, each kind's in order; `right` says which
  /// examples were attacked.
  ///
  /// An example whose attack has ended keeps its last text, so that it counts as it did then.
  func attackRates(
    of attack: Int64, _ victim: String, parameters: Int, _ right: [Bool],
    _ settings: AttackSettings
  ) throws -> [AttackRate] {
    let rows = try read {
      try Row.fetchAll(
        $0,
        sql: """
          SELECT attack, query_id, iteration, is_success, flops FROM attack_step
          WHERE attack_id = ? AND victim = ? ORDER BY attack, query_id, iteration
          """, arguments: [attack, victim])
    }
    let attacked = right.count { $0 }
    guard attacked > 0 else { return [] }
    var rates: [AttackRate] = []
    for kind in settings.kinds {
      let count = settings.iterationCount(of: kind)
      var successes = [Int](repeating: 0, count: count + 1)
      var flops: [Double] = []
      let own = try rows.filter { try $0.value(0, String.self) == kind.rawValue }
      for (place, row) in own.enumerated() {
        let iteration: Int = try row.value(2)
        flops.append(try row.finite(4))
        guard try row.value(3, Bool.self) else { continue }
        let isLast =
          try place + 1 == own.count || own[place + 1].value(1, Int.self) != row.value(1, Int.self)
        guard (1...count).contains(iteration) else { throw row.damage(2) }
        for later in iteration...(isLast ? count : iteration) { successes[later] += 1 }
      }
      for iteration in 1...count {
        let success = successes[iteration]
        let interval = Wilson.interval(successes: success, trials: attacked)
        rates.append(
          AttackRate(
            victim: victim, parameterCount: parameters, attack: kind, iteration: iteration,
            attackedCount: attacked, successCount: success,
            successRate: Double(success) / Double(attacked), lower: interval.low,
            upper: interval.high, accuracy: Double(attacked - success) / Double(right.count),
            flopsPerIteration: Mean.of(flops) ?? 0))
      }
    }
    return rates
  }

  /// Whether a victim is right about each of its stored examples.
  func attackExamples(of attack: Int64, _ victim: String) throws -> [Bool] {
    try read {
      try Bool.fetchAll(
        $0, sql: "SELECT is_right FROM attack_example WHERE attack_id = ? AND victim = ?",
        arguments: [attack, victim])
    }
  }
}
