package import KnowledgeGraph

/// What a trained detector says of one triple.
package struct TripleScore: Codable, Hashable, Sendable {
  package let subject: String
  package let predicate: String
  package let object: String
  /// The number of the token judged, from 1, or 0 for all of it.
  package let place: Int
  /// Higher = more likely hallucinated.
  package let score: Double
  /// What the graph says; nil where it has no such query.
  package let verdict: Verdict?
}

/// What scoring stored answers came to.
package struct ScoringSummary: Codable, Hashable, Sendable {
  package let detector: String
  package let task: DetectorTask
  package let evaluation: String
  package let temperature: Double
  package let answerCount: Int
  /// Examples judged: answers, or their tokens.
  package let scoreCount: Int
  /// On the answers about subjects of the detector's test part; empty where they have one class
  /// only.
  package let metrics: [MetricEstimate]

  enum CodingKeys: String, CodingKey {
    case detector, task, evaluation, temperature, metrics
    case answerCount = "answers"
    case scoreCount = "scores"
  }
}
