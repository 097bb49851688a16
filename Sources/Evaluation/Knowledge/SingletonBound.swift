import Foundation
import KnowledgeGraph
import LabCore

/// A lower bound on errors from facts that training says once (Theorem 2 of arXiv 2509.04664),
/// beside the errors.
///
/// err >= singleton rate - 2 / min |E| - (35 + 6 ln N) / sqrt(N) - miscalibration. Queries are
/// weighted as training presents them.
package struct SingletonBound: Codable, Hashable, Sendable {
  /// N: presentations in one epoch, false statements included.
  package let presentationCount: Int
  /// Trained queries that are presented once in an epoch.
  package let singletonCount: Int
  /// Singletons over N.
  package let singletonRate: Double
  /// Share of the weight of all queries that is on queries never trained on.
  package let unseenShare: Double
  /// min |E|: the fewest wrong objects of the right type that a query has.
  package let wrongObjectCount: Int
  /// (35 + 6 ln N) / sqrt(N), which exceeds 1 below about 8,000 presentations.
  package let sampleTerm: Double
  /// The model's probability of answers it gives more than 1 / min |E|, by one draw a query.
  package let modelMass: Double
  /// How often such answers are what the graph says.
  package let trueMass: Double
  /// delta: the difference of both.
  package let miscalibration: Double
  /// The theorem's bound.
  package let bound: Double
  /// The bound without the term for finite samples.
  package let limitBound: Double
  /// The exact hallucination rate at temperature 1 under the same weights, over all queries.
  package let weightedRate: Double

  enum CodingKeys: String, SnakeCaseKey {
    case miscalibration, bound, presentationCount, singletonCount, singletonRate, unseenShare,
      wrongObjectCount, sampleTerm, modelMass, trueMass, limitBound, weightedRate
  }
}

extension SingletonBound {
  /// The bound for a graph's nested share, with the miscalibration seen in scores of its queries.
  init(graph: KnowledgeGraph, fraction: Double, scores: [StoredScore], candidates: CandidateDraw) {
    let statements = graph.statements(fraction: fraction)
    let presentations = statements.reduce(0) { $0 + Int($1.exposures) }
    var perQuery: [UInt64: Int] = [:]
    for statement in statements {
      let key = UInt64(UInt32(bitPattern: statement.triple.subject)) << 32
      perQuery[key | UInt64(UInt32(bitPattern: statement.triple.predicate)), default: 0] +=
        Int(statement.exposures)
    }
    let singletons = perQuery.values.count { $0 == 1 }
    let asked = scores.map { graph.queries[$0.query] }
    let wrong = max(
      1, asked.map { candidates.poolCount(of: $0.predicate) - $0.answers.count }.min() ?? 1)
    let threshold = -log(Double(wrong))
    var sums = (weight: 0.0, unseen: 0.0, model: 0.0, truth: 0.0, hallucinated: 0.0)
    for (score, query) in zip(scores, asked) {
      let answers = graph.answers[query.answers]
      let weight = answers.reduce(0) { $0 + Double($1.exposures) }
      sums.weight += weight
      if query.visibility == .ivs { sums.unseen += weight }
      if score.drawLogProbability > threshold { sums.model += weight }
      for answer in answers {
        let isLikely = score.truth.contains {
          $0.object == answer.object && $0.logProbability > threshold
        }
        if isLikely { sums.truth += Double(answer.exposures) }
      }
      sums.hallucinated += weight * max(0, 1 - score.probability)
    }
    let total = max(sums.weight, .leastNonzeroMagnitude)
    let n = Double(max(1, presentations))
    presentationCount = presentations
    singletonCount = singletons
    singletonRate = Double(singletons) / n
    unseenShare = sums.unseen / total
    wrongObjectCount = wrong
    sampleTerm = (35 + 6 * log(n)) / n.squareRoot()
    modelMass = sums.model / total
    trueMass = sums.truth / total
    miscalibration = abs(modelMass - trueMass)
    limitBound = singletonRate - 2 / Double(wrong) - miscalibration
    bound = limitBound - sampleTerm
    weightedRate = sums.hallucinated / total
  }
}
