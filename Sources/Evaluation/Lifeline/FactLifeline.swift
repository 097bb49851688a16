import Foundation
package import KnowledgeGraph

/// What a model said to one query at one kept step.
package struct LifelinePoint: Codable, Hashable, Sendable {
  package let step: Int
  /// Probability of all true answers together, at temperature 1.
  package let probability: Double
  /// The greedy answer.
  package let answer: String
  package let answerProbability: Double
  package let verdict: Verdict

  package init(
    step: Int, probability: Double, answer: String, answerProbability: Double, verdict: Verdict
  ) {
    self.step = step
    self.probability = probability
    self.answer = answer
    self.answerProbability = answerProbability
    self.verdict = verdict
  }

  enum CodingKeys: String, CodingKey {
    case step, probability, answer, verdict
    case answerProbability = "answer_probability"
  }
}

/// A wrong answer and when the model gave it.
package struct Confusion: Codable, Hashable, Sendable {
  package let answer: String
  package let probability: Double
  package let step: Int
}

/// When a fact was learned and forgotten, over the kept steps of a training.
package struct FactLifeline: Codable, Hashable, Sendable {
  package let subject: String
  package let predicate: String
  package let visibility: Visibility
  package let points: [LifelinePoint]

  /// A fact counts as known where its true answers together are likelier than not.
  package static let threshold = 0.5

  /// `points` are in rising order of their steps, at least one.
  package init(
    subject: String, predicate: String, visibility: Visibility, points: [LifelinePoint]
  ) {
    self.subject = subject
    self.predicate = predicate
    self.visibility = visibility
    self.points = points
  }

  private func isKnown(_ index: Int) -> Bool { points[index].probability > Self.threshold }

  /// The first kept step at which the fact was known; nil if at none.
  package var firstKnownStep: Int? { points.indices.first(where: isKnown).map { points[$0].step } }

  /// The kept step from which on the fact was known at every later one up to the last; nil if it is
  /// not at the last.
  package var learnedStep: Int? {
    guard let last = points.indices.last, isKnown(last) else { return nil }
    let before = points.indices.last { !isKnown($0) }
    return points[before.map { $0 + 1 } ?? 0].step
  }

  /// The kept step from which on a fact that was known before was not, up to the last; nil if it is
  /// or never was.
  package var forgottenStep: Int? {
    guard let last = points.indices.last, !isKnown(last),
      let known = points.indices.last(where: isKnown)
    else { return nil }
    return points[known + 1].step
  }

  /// How often a fact that was known was not at the next kept step (Toneva 2019).
  package var forgettingCount: Int {
    points.indices.dropFirst().count { isKnown($0 - 1) && !isKnown($0) }
  }

  /// The wrong answer that the model was surest of among its greedy answers; nil if all were right.
  package var confusion: Confusion? {
    var found: Confusion?
    for point in points where point.verdict.isHallucination {
      if let found, found.probability >= point.answerProbability { continue }
      found = Confusion(
        answer: point.answer, probability: point.answerProbability, step: point.step)
    }
    return found
  }

  enum CodingKeys: String, CodingKey {
    case subject, predicate, visibility, points
  }
}
