package import Analysis
import Evaluation
import GRDB
import Report

/// Everything that decides what detectors trained together come to.
package struct DisjointIdentity: Codable, Hashable, Sendable {
  package let settings: DisjointSettings
  let weights: String
}

/// One detector on one example, with the text that was found against another, or itself.
package struct DisjointAnswerRow: Codable, Hashable, Sendable, EncodableRecord {
  let detectors: DisjointGroup
  /// Numbers of the detectors in their group, from 1.
  let attacked: Int
  let tested: Int
  let queryID: Int
  let subject: Int32
  /// Nil where the attacked detector was wrong without one.
  let text: String?
  /// Without a text.
  let attackedIsRight: Bool
  let testedIsRight: Bool
  /// Whether the tested one is wrong with it.
  let isTurned: Bool

  package init(
    detectors: DisjointGroup, attacked: Int, tested: Int, queryID: Int, subject: Int32,
    text: String?, attackedIsRight: Bool, testedIsRight: Bool, isTurned: Bool
  ) {
    self.detectors = detectors
    self.attacked = attacked
    self.tested = tested
    self.queryID = queryID
    self.subject = subject
    self.text = text
    self.attackedIsRight = attackedIsRight
    self.testedIsRight = testedIsRight
    self.isTurned = isTurned
  }

  enum CodingKeys: String, CodingKey {
    case detectors, attacked, tested, subject, text
    case queryID = "query_id"
    case attackedIsRight = "attacked_is_right"
    case testedIsRight = "tested_is_right"
    case isTurned = "is_turned"
  }
}

/// M: of the examples that both detectors are right about and whose text turns the attacked one, the share that it turns the tested one in.
package struct DisjointTransfer: Codable, Hashable, Sendable, EncodableRecord {
  package let detectors: DisjointGroup
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

  enum CodingKeys: String, CodingKey {
    case detectors, attacked, tested, rate, lower, upper
    case rightCount = "right_count"
    case turnedCount = "turned_count"
    case bothTurnedCount = "both_turned_count"
  }

  /// The matrix of every group.
  package static func all(of rows: [DisjointAnswerRow]) -> [DisjointTransfer] {
    struct Pair: Hashable {
      let group: DisjointGroup
      let attacked: Int
      let tested: Int
    }
    struct Attack: Hashable {
      let group: DisjointGroup
      let attacked: Int
      let query: Int
    }
    let turned = Set(
      rows.filter { $0.attacked == $0.tested && $0.attackedIsRight && $0.isTurned }.map {
        Attack(group: $0.detectors, attacked: $0.attacked, query: $0.queryID)
      })
    let pairs = Dictionary(grouping: rows) {
      Pair(group: $0.detectors, attacked: $0.attacked, tested: $0.tested)
    }
    let matrix = pairs.map { pair, rows -> DisjointTransfer in
      let right = rows.filter { $0.attackedIsRight && $0.testedIsRight }
      let beaten = right.filter {
        turned.contains(Attack(group: pair.group, attacked: pair.attacked, query: $0.queryID))
      }
      let both = beaten.count { $0.isTurned }
      let estimate = Wilson.estimate(successes: both, trials: beaten.count)
      return DisjointTransfer(
        detectors: pair.group, attacked: pair.attacked, tested: pair.tested,
        rightCount: right.count, turnedCount: beaten.count, bothTurnedCount: both,
        rate: estimate?.value, lower: estimate?.interval?.low, upper: estimate?.interval?.high)
    }
    return matrix.sorted { a, b in
      let places = [a, b].map { one in
        [DisjointGroup.allCases.firstIndex(of: one.detectors) ?? 0, one.attacked, one.tested]
      }
      return places[0].lexicographicallyPrecedes(places[1])
    }
  }
}

/// What is said of a group.
package enum DisjointQuantity: String, Codable, CaseIterable, Sendable {
  /// Accuracy without a text.
  case clean
  /// Accuracy of a detector with the text that was found against it, and with one against another.
  case own, other
  /// Accuracy where both the detector that is deployed and the one that is attacked are drawn at random.
  case deployed

  func contains(_ row: DisjointAnswerRow) -> Bool {
    switch self {
    case .clean, .own: row.attacked == row.tested
    case .other: row.attacked != row.tested
    case .deployed: true
    }
  }

  func isRight(_ row: DisjointAnswerRow) -> Bool {
    row.testedIsRight && (self == .clean || row.text == nil || !row.isTurned)
  }
}

/// An accuracy of a group, or the difference of two groups', with its interval over subjects.
package struct DisjointRate: Codable, Hashable, Sendable, EncodableRecord {
  /// "joint", and so on, or "joint - independent".
  package let detectors: String
  package let quantity: DisjointQuantity
  package let value: Double
  /// By resampling subjects, those of a difference together; nil for one subject.
  package let lower: Double?
  package let upper: Double?
  package let exampleCount: Int

  enum CodingKeys: String, CodingKey {
    case detectors, quantity, value, lower, upper
    case exampleCount = "example_count"
  }

  /// Every quantity of every group that has it, then the differences from independent detectors; a quantity is a mean over pairs and
  /// examples.
  package static func all(of rows: [DisjointAnswerRow], _ bootstrap: Bootstrap) -> [DisjointRate] {
    let subjects = Set(rows.map(\.subject)).sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(subjects, subjects.indices))
    func clusters(_ group: DisjointGroup, _ quantity: DisjointQuantity) -> [ClusterSum]? {
      var sums = subjects.map { _ in ClusterSum(0, over: 0) }
      for row in rows where row.detectors == group && quantity.contains(row) {
        let place = places[row.subject] ?? 0
        sums[place].numerator += quantity.isRight(row) ? 1 : 0
        sums[place].denominator += 1
      }
      return sums.contains { $0.denominator > 0 } ? sums : nil
    }
    func ratio(_ sums: [ClusterSum], _ counts: [Int]) -> Double {
      let sum = zip(sums, counts).reduce((0.0, 0.0)) { sum, one in
        (
          sum.0 + one.0.numerator * Double(one.1), sum.1 + one.0.denominator * Double(one.1)
        )
      }
      return sum.0 / sum.1
    }
    let once = subjects.map { _ in 1 }
    let examples = Set(rows.map(\.queryID)).count
    func rate(
      _ name: String, _ quantity: DisjointQuantity, _ statistic: ([Int]) -> Double
    ) -> DisjointRate {
      let interval = bootstrap.interval(
        unitCount: subjects.count, stream: "disjoint/\(quantity.rawValue)/\(name)", statistic)
      return DisjointRate(
        detectors: name, quantity: quantity, value: statistic(once), lower: interval?.low,
        upper: interval?.high, exampleCount: examples)
    }
    var rates: [DisjointRate] = []
    for group in DisjointGroup.allCases {
      for quantity in DisjointQuantity.allCases {
        guard let own = clusters(group, quantity) else { continue }
        rates.append(rate(group.rawValue, quantity) { ratio(own, $0) })
      }
    }
    for group in DisjointGroup.allCases where group != .independent {
      for quantity in DisjointQuantity.allCases {
        guard let own = clusters(group, quantity), let base = clusters(.independent, quantity)
        else { continue }
        rates.append(
          rate("\(group.rawValue) - independent", quantity) { ratio(own, $0) - ratio(base, $0) })
      }
    }
    return rates
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
    "disjoint_transfer", key: "detectors, attacked, tested",
    columns: """
        detectors TEXT NOT NULL, attacked INTEGER NOT NULL, tested INTEGER NOT NULL,
        right_count INTEGER NOT NULL, turned_count INTEGER NOT NULL,
        both_turned_count INTEGER NOT NULL CHECK (both_turned_count BETWEEN 0 AND turned_count),
        rate REAL, lower REAL, upper REAL
      """)

  static let disjointAccuracy = ResultTable(
    "disjoint_accuracy", key: "detectors, quantity",
    columns: """
        detectors TEXT NOT NULL, quantity TEXT NOT NULL, value REAL NOT NULL, lower REAL,
        upper REAL, example_count INTEGER NOT NULL CHECK (example_count > 0)
      """)

  /// Every example under every text; in run.sqlite only.
  static let disjointAnswers = ResultTable(
    "disjoint_answer", key: "detectors, attacked, tested, query_id",
    columns: """
        detectors TEXT NOT NULL, attacked INTEGER NOT NULL, tested INTEGER NOT NULL,
        query_id INTEGER NOT NULL, subject INTEGER NOT NULL, text TEXT,
        attacked_is_right INTEGER NOT NULL CHECK (attacked_is_right IN (0, 1)),
        tested_is_right INTEGER NOT NULL CHECK (tested_is_right IN (0, 1)),
        is_turned INTEGER NOT NULL CHECK (is_turned IN (0, 1))
      """)
}

/// Detectors deployed at random in a study's report.
struct DisjointFigure {
  let results: StudyResults
  let command: String

  /// Accuracy without and with texts, a column for each group.
  func figure() throws -> Figure {
    let percent = ColumnFormat.percent(digits: 1)
    let data = try results.records(
      [
        Column("quantity", "Accuracy"), Column("detectors", "Detectors"),
        Column("of", "Of the model"), Column("seed", "Seed", .integer),
        Column("parameters", "Parameters of the model", .integer),
        Column("value", "Accuracy", percent), Column("lower", "Lower", percent),
        Column("upper", "Upper", percent), Column("example_count", "Answers (n)", .integer),
      ],
      """
      SELECT CASE d.quantity WHEN 'clean' THEN 'without a text' WHEN 'own' THEN 'text against itself'
          WHEN 'other' THEN 'text against another' ELSE 'one deployed at random' END AS quantity,
        d.detectors, run.size || ', ' || run.horizon
          || CASE run.variant WHEN '' THEN '' ELSE ', ' || run.variant END AS of, run.seed,
        run.non_embedding_parameters AS parameters, d.value, d.lower, d.upper, d.example_count
      FROM disjoint_accuracy d JOIN run ON run.id = d.run_id
      WHERE d.detectors NOT LIKE '% - %'
      ORDER BY d.quantity, d.detectors, run.rowid
      """)
    return Figure(
      id: "disjoint", title: "Detectors deployed at random",
      caption: """
        Accuracy of detectors that were trained together not to share attacks (joint), of independent ones, and of those as an \
        ensemble; without a text, with the text that GCG found against the same detector, with one against another, and where both \
        are drawn at random. Bars are 95 % by resampling subjects.
        """,
      command: command, data: data,
      x: Axis("parameters", "Parameters of the judged model", scale: .log, format: .count),
      y: Axis("value", "Accuracy", format: percent), color: Channel("detectors", "Detectors"),
      shape: Channel("of", "Of the model"), panel: Channel("quantity", "Accuracy"),
      marks: [.interval(low: "lower", high: "upper"), .points],
      tooltip: ["quantity", "detectors", "of", "seed", "value", "lower", "upper"])
  }
}
