package import Analysis
import Evaluation
import GRDB
import KnowledgeGraph
import LabCore

/// Everything that decides what detectors are found to look at.
package struct SaliencyIdentity: Codable, Hashable, Sendable {
  package let settings: SaliencyMeasure.Settings
  /// Hashes of the detectors' records, in the order of their names.
  let detectors: [String]
}

/// What is said of saliency.
package enum SaliencyQuantity: String, Codable, CaseIterable, Sendable {
  /// The share of an answer's saliency that is on the tokens of its object, by gradient and by
  /// occlusion.
  case objectShare = "object_share"
  case occlusionObjectShare = "occlusion_object_share"
  /// Gini's coefficient of the saliency by gradient: 0 where all tokens have the same.
  case gini
  /// Spearman's rank correlation of an answer's tokens by gradient and by occlusion.
  case agreement

  func value(_ saliency: TokenSaliency) -> Double? {
    switch self {
    case .objectShare: saliency.share(of: "object", saliency.gradient)
    case .occlusionObjectShare: saliency.share(of: "object", saliency.occlusion)
    case .gini: RankCorrelation.gini(saliency.gradient)
    case .agreement: RankCorrelation.spearman(saliency.gradient, saliency.occlusion)
    }
  }
}

/// The answers that a number is of.
package enum SalientAnswers: String, Codable, CaseIterable, Sendable {
  case all, right, hallucinated

  func contains(_ answer: SalientAnswer) -> Bool {
    self == .all || (self == .hallucinated) == answer.isHallucination
  }
}

/// An answer with what a detector looks at in it.
package struct SalientAnswer: Sendable {
  let subject: Int32
  let isHallucination: Bool
  let saliency: TokenSaliency

  package init(subject: Int32, isHallucination: Bool, saliency: TokenSaliency) {
    self.subject = subject
    self.isHallucination = isHallucination
    self.saliency = saliency
  }
}

/// The mean of a quantity over answers, with its interval over subjects.
package struct SaliencyRate: Codable, Hashable, Sendable, EncodableRecord {
  package let detector: String
  package let parameterCount: Int
  package let answers: SalientAnswers
  package let quantity: SaliencyQuantity
  package let value: Double
  /// By resampling subjects with their answers; nil for one subject.
  package let lower: Double?
  package let upper: Double?
  /// Answers of which the quantity can be said.
  package let answerCount: Int

  enum CodingKeys: String, CodingKey {
    case detector, answers, quantity, value, lower, upper
    case parameterCount = "parameters"
    case answerCount = "answer_count"
  }

  /// Every quantity of a detector, of all answers and by what they are; those that no answer has
  /// are left out.
  package static func all(
    _ answers: [SalientAnswer], of detector: String, parameters: Int, _ bootstrap: Bootstrap
  ) -> [SaliencyRate] {
    means(answers.map { ($0, nil) }, of: detector, parameters: parameters, "saliency", bootstrap)
  }

  /// Every quantity of a detector less that of the one that it was made of, a mean over the answers
  /// of which both have it, by query.
  package static func differences(
    _ answers: [Int: SalientAnswer], of detector: String, from before: [Int: SalientAnswer],
    of origin: String, parameters: Int, _ bootstrap: Bootstrap
  ) -> [SaliencyRate] {
    let both = answers.sorted { $0.key < $1.key }.compactMap { query, answer in
      before[query].map { (answer, $0) }
    }
    return means(
      both, of: "\(detector) - \(origin)", parameters: parameters, "saliency/difference", bootstrap)
  }

  /// The means over answers, less those over the same answers before where there are any.
  private static func means(
    _ answers: [(SalientAnswer, before: SalientAnswer?)], of detector: String, parameters: Int,
    _ stream: String, _ bootstrap: Bootstrap
  ) -> [SaliencyRate] {
    SalientAnswers.allCases.flatMap { kind in
      SaliencyQuantity.allCases.compactMap { quantity in
        var clusters: [Int32: ClusterSum] = [:]
        var count = 0
        for (answer, before) in answers where kind.contains(answer) {
          let first = before.map { quantity.value($0.saliency) } ?? 0
          guard let value = quantity.value(answer.saliency), let first else { continue }
          clusters[answer.subject, default: ClusterSum(0, over: 0)].numerator += value - first
          clusters[answer.subject, default: ClusterSum(0, over: 0)].denominator += 1
          count += 1
        }
        let sums = clusters.sorted { $0.key < $1.key }.map(\.value)
        let name = "\(stream)/\(kind.rawValue)/\(quantity.rawValue)"
        guard let mean = bootstrap.ratio(sums, stream: name) else { return nil }
        return SaliencyRate(
          detector: detector, parameterCount: parameters, answers: kind, quantity: quantity,
          value: mean.value, lower: mean.interval?.low, upper: mean.interval?.high,
          answerCount: count)
      }
    }
  }
}

/// Everything that `kglab saliency` says.
package struct SaliencySummary: Codable, Hashable, Sendable {
  package let key: String
  package let identity: SaliencyIdentity
  package let rates: [SaliencyRate]
}

/// A token of an answer's line.
struct TokenSaliencyRow: Codable, FetchableRecord, EncodableRecord {
  let detector: String
  let queryID: Int
  let place: Int
  let part: String
  let token: String
  let isHallucination: Bool
  let gradient: Double
  let occlusion: Double

  enum CodingKeys: String, SnakeCaseKey {
    case detector, place, part, token, gradient, occlusion, queryID, isHallucination
  }
}

extension ResultTable {
  /// The table of run.sqlite with a row for each measurement.
  static let saliencyHeader = "saliency_measurement"

  static let saliency = ResultTable(
    "saliency", in: "saliency_rate", of: saliencyHeader, key: "detector, answers, quantity",
    columns: """
        detector TEXT NOT NULL, parameters INTEGER NOT NULL,
        answers TEXT NOT NULL CHECK (answers IN ('all', 'right', 'hallucinated')),
        quantity TEXT NOT NULL, value REAL NOT NULL, lower REAL, upper REAL,
        answer_count INTEGER NOT NULL CHECK (answer_count > 0)
      """)

  /// Every token that was looked at.
  static let tokenSaliency = ResultTable(
    "token_saliency", in: "saliency_token", of: saliencyHeader, key: "detector, query_id, place",
    columns: """
        detector TEXT NOT NULL, query_id INTEGER NOT NULL, place INTEGER NOT NULL,
        part TEXT NOT NULL, token TEXT NOT NULL,
        is_hallucination INTEGER NOT NULL CHECK (is_hallucination IN (0, 1)),
        gradient REAL NOT NULL CHECK (gradient >= 0), occlusion REAL NOT NULL CHECK (occlusion >= 0)
      """)
}

extension RunDatabase {
  /// How many answers are stored of a detector.
  func salientAnswerCount(of measurement: Int64, _ detector: String) throws -> Int {
    try read {
      try Int.fetchOne(
        $0,
        sql: """
          SELECT count(DISTINCT query_id) FROM saliency_token
          WHERE saliency_measurement_id = ? AND detector = ?
          """, arguments: [measurement, detector]) ?? 0
    }
  }

  /// The stored answers of a detector by query.
  func salientAnswers(
    of measurement: Int64, _ detector: String, on graph: KnowledgeGraph
  ) throws -> [Int: SalientAnswer] {
    let rows = try read {
      try TokenSaliencyRow.fetchAll(
        $0,
        sql: """
          SELECT * FROM saliency_token WHERE saliency_measurement_id = ? AND detector = ?
          ORDER BY query_id, place
          """, arguments: [measurement, detector])
    }
    return Dictionary(grouping: rows, by: \.queryID).mapValues { rows in
      SalientAnswer(
        subject: graph.queries[rows[0].queryID].subject, isHallucination: rows[0].isHallucination,
        saliency: TokenSaliency(
          gradient: rows.map(\.gradient), occlusion: rows.map(\.occlusion),
          parts: rows.map(\.part)))
    }
  }
}
