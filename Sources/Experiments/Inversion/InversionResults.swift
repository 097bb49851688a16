import Analysis
import Evaluation
import GRDB
import LabCore

/// Everything that decides what texts by inversion come to.
package struct InversionIdentity: Codable, Hashable, Sendable {
  package let settings: InversionSettings
  let weights: String
}

/// What the first so many draws of each query come to.
package struct InversionRate: Codable, Hashable, Sendable, EncodableRecord {
  package let origin: TextOrigin
  package let distance: ErrorDistance
  /// 1, 2, 4 and so on, and as many as were drawn.
  package let drawCount: Int
  /// Queries answered right that have a wrong answer at this distance.
  package let attackedCount: Int
  /// Of those, how many some draw has answered with the chosen wrong answer, with Wilson's 95 %
  /// interval over queries.
  package let brokenCount: Int
  package let brokenRate: Double
  package let lower: Double
  package let upper: Double
  /// Mean share of the draws that are accepted, with its 95 % t interval over queries; nil ends for
  /// one query.
  package let acceptance: Double
  package let acceptanceLower: Double?
  package let acceptanceUpper: Double?
  /// Mean share of the draws with any wrong answer.
  package let wrongShare: Double
  /// Mean floating-point operations of a draw.
  package let flopsPerDraw: Double

  enum CodingKeys: String, SnakeCaseKey {
    case origin, distance, lower, upper, acceptance, attackedCount, brokenCount, brokenRate,
      acceptanceLower, acceptanceUpper, wrongShare, flopsPerDraw
    case drawCount = "draws"
  }
}

/// How many queries up to so many copies of a false line have flipped.
package struct OverloadRate: Codable, Hashable, Sendable, EncodableRecord {
  package let copies: Int
  package let attackedCount: Int
  /// Of those, how many are answered wrong after so many copies or fewer, with Wilson's 95 %
  /// interval over queries.
  package let flippedCount: Int
  package let flippedRate: Double
  package let lower: Double
  package let upper: Double
  /// How many gave the false line's object then.
  package let believedCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case copies, lower, upper, attackedCount, flippedCount, flippedRate, believedCount
  }
}

/// Everything that `kglab pirs` says.
package struct InversionSummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: InversionIdentity
  package let parameterCount: Int
  package let exampleCount: Int
  package let rightCount: Int
  /// Tokens after `<X>`, and how many different ones there may be.
  package let length: Int
  package let allowedCount: Int
  /// Of the inversion model, where there is one: nats a token of held-out texts, and FLOPs of
  /// making it.
  package let heldOutLoss: Double?
  package let inversionFLOPs: Double?
  package let rates: [InversionRate]
  package let overloads: [OverloadRate]

  enum CodingKeys: String, SnakeCaseKey {
    case key, identity, parameterCount, exampleCount, rightCount, length, allowedCount,
      heldOutLoss, rates, overloads
    case inversionFLOPs = "inversion_flops"
  }

  /// The least number of copies by which half of the queries have flipped; nil where the most were
  /// too few.
  package var medianCopies: Int? {
    Self.median(flipped: overloads.map(\.flippedCount), of: overloads.first?.attackedCount ?? 0)
  }

  /// The first number of copies, from 1, by which half of the queries have flipped, given how many
  /// have by each.
  package static func median(flipped: [Int], of attacked: Int) -> Int? {
    flipped.firstIndex { 2 * $0 >= attacked }.map { $0 + 1 }
  }
}

/// A query that was asked.
struct InversionExampleRow: ResultRow {
  let queryID: Int
  let answer: String
  let isRight: Bool
}

/// A text that was drawn.
struct InversionTextRow: ResultRow {
  let origin: TextOrigin
  let distance: ErrorDistance
  let queryID: Int
  let draw: Int
  let targetID: Int32
  let text: String
  let tokenIDs: String
  let answer: String
  let isAccepted: Bool
  let isWrong: Bool
  let flops: Double
}

/// A query behind copies of a false line.
struct OverloadRow: ResultRow {
  let queryID: Int
  let copies: Int
  let targetID: Int32
  let answer: String
  let isWrong: Bool
  let isTarget: Bool
  let flops: Double
}

extension ResultTable {
  static let inversionRates = ResultTable(
    "pirs_rate", of: "pirs", key: "origin, distance, draws",
    columns: """
        origin TEXT NOT NULL, distance TEXT NOT NULL, draws INTEGER NOT NULL CHECK (draws > 0),
        attacked_count INTEGER NOT NULL CHECK (attacked_count > 0),
        broken_count INTEGER NOT NULL CHECK (broken_count BETWEEN 0 AND attacked_count),
        broken_rate REAL NOT NULL, lower REAL NOT NULL, upper REAL NOT NULL,
        acceptance REAL NOT NULL CHECK (acceptance BETWEEN 0 AND 1),
        acceptance_lower REAL, acceptance_upper REAL,
        wrong_share REAL NOT NULL CHECK (wrong_share BETWEEN 0 AND 1),
        flops_per_draw REAL NOT NULL CHECK (flops_per_draw > 0)
      """)

  static let overloadRates = ResultTable(
    "overload_rate", of: "pirs", key: "copies",
    columns: """
        copies INTEGER NOT NULL CHECK (copies > 0),
        attacked_count INTEGER NOT NULL CHECK (attacked_count > 0),
        flipped_count INTEGER NOT NULL CHECK (flipped_count BETWEEN 0 AND attacked_count),
        flipped_rate REAL NOT NULL, lower REAL NOT NULL, upper REAL NOT NULL,
        believed_count INTEGER NOT NULL CHECK (believed_count BETWEEN 0 AND flipped_count)
      """)

  /// Every query that was asked; in run.sqlite only, as the two that follow.
  static let inversionExamples = ResultTable(
    "pirs_example", of: "pirs", key: "query_id",
    columns: """
        query_id INTEGER NOT NULL, answer TEXT NOT NULL,
        is_right INTEGER NOT NULL CHECK (is_right IN (0, 1))
      """)

  static let inversionTexts = ResultTable(
    "pirs_text", of: "pirs", key: "origin, distance, query_id, draw",
    columns: """
        origin TEXT NOT NULL, distance TEXT NOT NULL, query_id INTEGER NOT NULL,
        draw INTEGER NOT NULL CHECK (draw > 0), target_id INTEGER NOT NULL, text TEXT NOT NULL,
        token_ids TEXT NOT NULL, answer TEXT NOT NULL,
        is_accepted INTEGER NOT NULL CHECK (is_accepted IN (0, 1)),
        is_wrong INTEGER NOT NULL CHECK (is_wrong IN (0, 1)), flops REAL NOT NULL CHECK (flops > 0)
      """)

  static let overloadCopies = ResultTable(
    "overload_copy", of: "pirs", key: "query_id, copies",
    columns: """
        query_id INTEGER NOT NULL, copies INTEGER NOT NULL CHECK (copies > 0),
        target_id INTEGER NOT NULL, answer TEXT NOT NULL,
        is_wrong INTEGER NOT NULL CHECK (is_wrong IN (0, 1)),
        is_target INTEGER NOT NULL CHECK (is_target IN (0, 1)),
        flops REAL NOT NULL CHECK (flops > 0)
      """)
}

extension RunDatabase {
  /// Whether the model is right about each stored query.
  func inversionExamples(of measurement: Int64) throws -> [Bool] {
    try read {
      try Bool.fetchAll(
        $0, sql: "SELECT is_right FROM pirs_example WHERE pirs_id = ?", arguments: [measurement])
    }
  }

  /// The rates of all stored draws.
  func inversionRates(
    of measurement: Int64, _ settings: InversionSettings
  ) throws -> [InversionRate] {
    var rates: [InversionRate] = []
    for origin in settings.origins {
      for distance in settings.distances {
        let rows = try read {
          try Row.fetchAll(
            $0,
            sql: """
              SELECT query_id, is_accepted, is_wrong, flops FROM pirs_text
              WHERE pirs_id = ? AND origin = ? AND distance = ? ORDER BY query_id, draw
              """, arguments: [measurement, origin.rawValue, distance.rawValue])
        }
        var queries: [(id: Int, accepted: [Bool], wrong: [Bool], flops: Double)] = []
        for row in rows {
          let id: Int = try row.value(0)
          if queries.last?.id != id { queries.append((id, [], [], 0)) }
          queries[queries.count - 1].accepted.append(try row.value(1))
          queries[queries.count - 1].wrong.append(try row.value(2))
          queries[queries.count - 1].flops += try row.finite(3)
        }
        guard !queries.isEmpty else { continue }
        for count in Self.steps(to: settings.drawCount) {
          let broken = queries.count { $0.accepted.prefix(count).contains(true) }
          let interval = Wilson.interval(successes: broken, trials: queries.count)
          func shares(_ values: [[Bool]]) -> [Double] {
            values.map { Double($0.prefix(count).count { $0 }) / Double(count) }
          }
          let acceptance = StudentT.mean(shares(queries.map(\.accepted)))
          rates.append(
            InversionRate(
              origin: origin, distance: distance, drawCount: count, attackedCount: queries.count,
              brokenCount: broken, brokenRate: Double(broken) / Double(queries.count),
              lower: interval.low, upper: interval.high, acceptance: acceptance?.value ?? 0,
              acceptanceLower: (acceptance?.interval?.low).map { max(0, $0) },
              acceptanceUpper: (acceptance?.interval?.high).map { min(1, $0) },
              wrongShare: Mean.of(shares(queries.map(\.wrong))) ?? 0,
              flopsPerDraw: queries.reduce(0) { $0 + $1.flops } / Double(rows.count)))
        }
      }
    }
    return rates
  }

  /// Powers of two up to a number, and that.
  private static func steps(to count: Int) -> [Int] {
    Array(sequence(first: 1) { 2 * $0 }.prefix { $0 < count }) + [count]
  }

  /// How many queries each number of copies has flipped; an attack ends with the first that does.
  func overloadRates(of measurement: Int64, copies: Int) throws -> [OverloadRate] {
    let rows = try read {
      try Row.fetchAll(
        $0,
        sql: """
          SELECT query_id, copies, is_wrong, is_target FROM overload_copy WHERE pirs_id = ?
          """, arguments: [measurement])
    }
    let attacked = Set(try rows.map { try $0.value(0, Int.self) }).count
    guard attacked > 0 else { return [] }
    return try (1...copies).map { count in
      let flipped = try rows.filter { row in
        try row.value(2, Bool.self) && row.value(1, Int.self) <= count
      }
      let interval = Wilson.interval(successes: flipped.count, trials: attacked)
      return OverloadRate(
        copies: count, attackedCount: attacked, flippedCount: flipped.count,
        flippedRate: Double(flipped.count) / Double(attacked), lower: interval.low,
        upper: interval.high, believedCount: try flipped.count { try $0.value(3, Bool.self) })
    }
  }
}
