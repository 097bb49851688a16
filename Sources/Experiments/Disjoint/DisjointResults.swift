package import Analysis
import Evaluation
import GRDB
import LabCore

/// Everything that decides what detectors trained together come to.
package struct DisjointIdentity: Codable, Hashable, Sendable {
  package let settings: DisjointSettings
  let weights: String
}

/// One detector on one example, with the text that was found against another, or itself.
package struct DisjointAnswerRow: Codable, Hashable, Sendable, FetchableRecord, EncodableRecord {
  let detectors: DisjointGroup
  /// Of the penalties; 0 without.
  let weight: Double
  /// Numbers of the detectors in their group, from 1.
  let attacked: Int
  let tested: Int
  let queryID: Int
  let subject: Int32
  let isHallucination: Bool
  /// Nil where the attacked detector was wrong without one.
  let text: String?
  /// Without a text.
  let attackedIsRight: Bool
  let testedIsRight: Bool
  /// Whether the tested one is wrong with it.
  let isTurned: Bool

  package init(
    detectors: DisjointGroup, weight: Double, attacked: Int, tested: Int, queryID: Int,
    subject: Int32, isHallucination: Bool, text: String?, attackedIsRight: Bool,
    testedIsRight: Bool, isTurned: Bool
  ) {
    self.detectors = detectors
    self.weight = weight
    self.attacked = attacked
    self.tested = tested
    self.queryID = queryID
    self.subject = subject
    self.isHallucination = isHallucination
    self.text = text
    self.attackedIsRight = attackedIsRight
    self.testedIsRight = testedIsRight
    self.isTurned = isTurned
  }

  enum CodingKeys: String, SnakeCaseKey {
    case detectors, weight, attacked, tested, subject, text, isHallucination, queryID,
      attackedIsRight, testedIsRight, isTurned
  }

  var team: DisjointTeam { DisjointTeam(detectors, weight: weight) }
}

extension DisjointTeam {
  /// The teams of rows: those trained together by weight, then the others.
  static func all(of rows: [DisjointAnswerRow]) -> [DisjointTeam] {
    Set(rows.map(\.team)).sorted { ($0.place, $0.weight) < ($1.place, $1.weight) }
  }

  private var place: Int { DisjointGroup.allCases.firstIndex(of: group) ?? 0 }
}

/// M: of the examples that both detectors are right about and whose text turns the attacked one,
/// the share that it turns the tested one in.
package struct DisjointTransfer: Codable, Hashable, Sendable, EncodableRecord {
  package let detectors: DisjointGroup
  package let weight: Double
  package let attacked: Int
  package let tested: Int
  /// Right by both without a text.
  package let rightCount: Int
  package let turnedCount: Int
  package let bothTurnedCount: Int
  /// With Wilson's 95 % interval over examples; nil where no text turns the attacked one.
  package let rate: Double?
  package let lower: Double?
  package let upper: Double?

  enum CodingKeys: String, SnakeCaseKey {
    case detectors, weight, attacked, tested, rate, lower, upper, rightCount, turnedCount,
      bothTurnedCount
  }

  /// "joint at 1", or "independent".
  package var words: String { DisjointTeam(detectors, weight: weight).words }

  /// The matrix of every team.
  package static func all(of rows: [DisjointAnswerRow]) -> [DisjointTransfer] {
    struct Pair: Hashable {
      let team: DisjointTeam
      let attacked: Int
      let tested: Int
    }
    struct Attack: Hashable {
      let team: DisjointTeam
      let attacked: Int
      let query: Int
    }
    let turned = Set(
      rows.filter { $0.attacked == $0.tested && $0.attackedIsRight && $0.isTurned }.map {
        Attack(team: $0.team, attacked: $0.attacked, query: $0.queryID)
      })
    let pairs = Dictionary(grouping: rows) {
      Pair(team: $0.team, attacked: $0.attacked, tested: $0.tested)
    }
    return DisjointTeam.all(of: rows).flatMap { team in
      pairs.filter { $0.key.team == team }
        .sorted { ($0.key.attacked, $0.key.tested) < ($1.key.attacked, $1.key.tested) }
        .map { pair, rows in
          let right = rows.filter { $0.attackedIsRight && $0.testedIsRight }
          let beaten = right.filter {
            turned.contains(Attack(team: team, attacked: pair.attacked, query: $0.queryID))
          }
          let both = beaten.count { $0.isTurned }
          let estimate = Wilson.estimate(successes: both, trials: beaten.count)
          return DisjointTransfer(
            detectors: team.group, weight: team.weight, attacked: pair.attacked,
            tested: pair.tested, rightCount: right.count, turnedCount: beaten.count,
            bothTurnedCount: both, rate: estimate?.value, lower: estimate?.interval?.low,
            upper: estimate?.interval?.high)
        }
    }
  }
}

/// What is said of a group.
package enum DisjointQuantity: String, Codable, CaseIterable, Sendable {
  /// Accuracy without a text, of all answers, and the mean of that of hallucinations and of the
  /// others, one half where all are taken for the same.
  case clean, balanced
  /// Share of the detectors that say the same of every answer without a text: those that have
  /// collapsed.
  case constant
  /// Accuracy of a detector with the text that was found against it, and with one against another.
  case own, other
  /// Accuracy where both the detector that is deployed and the one that is attacked are drawn at
  /// random.
  case deployed

  func contains(_ row: DisjointAnswerRow) -> Bool {
    switch self {
    case .clean, .balanced, .constant, .own: row.attacked == row.tested
    case .other: row.attacked != row.tested
    case .deployed: true
    }
  }

  func isRight(_ row: DisjointAnswerRow) -> Bool {
    switch self {
    case .clean, .balanced, .constant: row.testedIsRight
    case .own, .other, .deployed: row.testedIsRight && (row.text == nil || !row.isTurned)
    }
  }
}

/// An accuracy of a team, or the difference of two teams', with its interval over subjects.
package struct DisjointRate: Codable, Hashable, Sendable, EncodableRecord {
  /// "joint", and so on, or "joint - independent".
  package let detectors: String
  /// Of the penalties of those trained together; 0 for the others.
  package let weight: Double
  package let quantity: DisjointQuantity
  package let value: Double
  /// By resampling subjects, those of a difference together; nil for one subject.
  package let lower: Double?
  package let upper: Double?
  package let exampleCount: Int

  enum CodingKeys: String, CodingKey {
    case detectors, weight, quantity, value, lower, upper
    case exampleCount = "example_count"
  }

  /// Every quantity of every team that has it, then the differences from independent detectors; a
  /// quantity is a mean over pairs and examples.
  package static func all(of rows: [DisjointAnswerRow], _ bootstrap: Bootstrap) -> [DisjointRate] {
    let subjects = Set(rows.map(\.subject)).sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(subjects, subjects.indices))
    let byTeam = Dictionary(grouping: rows, by: \.team)
    func sums(
      _ team: DisjointTeam, _ quantity: DisjointQuantity, _ isWanted: (DisjointAnswerRow) -> Bool
    ) -> [ClusterSum] {
      var sums = subjects.map { _ in ClusterSum(0, over: 0) }
      for row in byTeam[team] ?? [] where quantity.contains(row) && isWanted(row) {
        let place = places[row.subject] ?? 0
        sums[place].numerator += quantity.isRight(row) ? 1 : 0
        sums[place].denominator += 1
      }
      return sums
    }
    func ratio(_ sums: [ClusterSum], _ counts: [Int]) -> Double {
      let sum = zip(sums, counts).reduce((0.0, 0.0)) { sum, one in
        (
          sum.0 + one.0.numerator * Double(one.1), sum.1 + one.0.denominator * Double(one.1)
        )
      }
      return sum.0 / sum.1
    }
    /// What a quantity is where each subject was drawn so often; NaN where it has none.
    func statistic(_ team: DisjointTeam, _ quantity: DisjointQuantity) -> ([Int]) -> Double {
      guard quantity == .balanced else {
        let all = sums(team, quantity) { _ in true }
        return { ratio(all, $0) }
      }
      let (wrong, right) = (
        sums(team, quantity, \.isHallucination), sums(team, quantity) { !$0.isHallucination }
      )
      return { (ratio(wrong, $0) + ratio(right, $0)) / 2 }
    }
    let once = subjects.map { _ in 1 }
    let examples = Set(rows.map(\.queryID)).count
    func rate(
      _ name: String, _ weight: Double, _ quantity: DisjointQuantity,
      _ statistic: ([Int]) -> Double
    ) -> DisjointRate? {
      let value = statistic(once)
      guard !value.isNaN else { return nil }
      let interval = bootstrap.interval(
        unitCount: subjects.count, stream: "disjoint/\(quantity.rawValue)/\(name)", statistic)
      return DisjointRate(
        detectors: name, weight: weight, quantity: quantity, value: value, lower: interval?.low,
        upper: interval?.high, exampleCount: examples)
    }
    func constant(_ team: DisjointTeam) -> DisjointRate {
      let own = Dictionary(
        grouping: (byTeam[team] ?? []).filter(DisjointQuantity.constant.contains), by: \.tested)
      let count = own.values.count { rows in
        Set(rows.map { $0.isHallucination == $0.testedIsRight }).count == 1
      }
      return DisjointRate(
        detectors: team.group.rawValue, weight: team.weight, quantity: .constant,
        value: Double(count) / Double(own.count), lower: nil, upper: nil, exampleCount: examples)
    }
    let teams = DisjointTeam.all(of: rows)
    let base = DisjointTeam(.independent)
    var rates: [DisjointRate?] = []
    for team in teams {
      for quantity in DisjointQuantity.allCases {
        rates.append(
          quantity == .constant
            ? constant(team)
            : rate(team.group.rawValue, team.weight, quantity, statistic(team, quantity)))
      }
    }
    for team in teams where team.group != .independent {
      for quantity in DisjointQuantity.allCases where quantity != .constant {
        let (own, other) = (statistic(team, quantity), statistic(base, quantity))
        rates.append(
          rate("\(team.group.rawValue) - independent", team.weight, quantity) {
            own($0) - other($0)
          })
      }
    }
    return rates.compactMap(\.self)
  }

  /// "joint at 1", or "ensemble - independent".
  package var words: String {
    detectors.hasPrefix(DisjointGroup.joint.rawValue)
      ? "\(detectors) at \(Readable.number(weight))" : detectors
  }
}

/// Everything that `kglab disjoint` says.
package struct DisjointSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: DisjointIdentity
  /// Of each detector, outside the embedding.
  package let parameterCount: Int
  package let transfers: [DisjointTransfer]
  package let rates: [DisjointRate]
}

extension ResultTable {
  static let disjointTransfer = ResultTable(
    "disjoint_transfer", in: "disjoint_pair", of: "disjoint",
    key: "detectors, weight, attacked, tested",
    columns: """
        detectors TEXT NOT NULL, weight REAL NOT NULL, attacked INTEGER NOT NULL, tested INTEGER NOT NULL,
        right_count INTEGER NOT NULL, turned_count INTEGER NOT NULL,
        both_turned_count INTEGER NOT NULL CHECK (both_turned_count BETWEEN 0 AND turned_count),
        rate REAL, lower REAL, upper REAL
      """)

  static let disjointAccuracy = ResultTable(
    "disjoint_accuracy", in: "disjoint_rate", of: "disjoint", key: "detectors, weight, quantity",
    columns: """
        detectors TEXT NOT NULL, weight REAL NOT NULL, quantity TEXT NOT NULL, value REAL NOT NULL, lower REAL,
        upper REAL, example_count INTEGER NOT NULL CHECK (example_count > 0)
      """)

  /// Every example under every text; in run.sqlite only.
  static let disjointAnswers = ResultTable(
    "disjoint_example", of: "disjoint", key: "detectors, weight, attacked, tested, query_id",
    columns: """
        detectors TEXT NOT NULL, weight REAL NOT NULL, attacked INTEGER NOT NULL, tested INTEGER NOT NULL,
        query_id INTEGER NOT NULL, subject INTEGER NOT NULL,
        is_hallucination INTEGER NOT NULL CHECK (is_hallucination IN (0, 1)), text TEXT,
        attacked_is_right INTEGER NOT NULL CHECK (attacked_is_right IN (0, 1)),
        tested_is_right INTEGER NOT NULL CHECK (tested_is_right IN (0, 1)),
        is_turned INTEGER NOT NULL CHECK (is_turned IN (0, 1))
      """)
}

extension RunDatabase {
  /// How many examples a team has stored.
  func disjointExampleCount(of measurement: Int64, _ team: DisjointTeam) throws -> Int {
    try read {
      try Int.fetchOne(
        $0,
        sql: """
          SELECT count(DISTINCT query_id) FROM disjoint_example
          WHERE disjoint_id = ? AND detectors = ? AND weight = ?
          """, arguments: [measurement, team.group.rawValue, team.weight]) ?? 0
    }
  }

  /// Every stored example under every text.
  func disjointAnswers(of measurement: Int64) throws -> [DisjointAnswerRow] {
    try read {
      try DisjointAnswerRow.fetchAll(
        $0,
        sql: """
          SELECT * FROM disjoint_example WHERE disjoint_id = ?
          ORDER BY detectors, weight, attacked, tested, query_id
          """, arguments: [measurement])
    }
  }
}
