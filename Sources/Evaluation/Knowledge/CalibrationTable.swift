import Analysis
import Foundation
import KnowledgeGraph

extension CalibrationRow {
  /// One row for each set with a query: the probability of the greedy answer against whether it is
  /// true.
  static func table(
    _ scores: [StoredScore], graph: KnowledgeGraph, bins: Int, bootstrap: Bootstrap
  ) -> [CalibrationRow] {
    QuerySet.all.compactMap { set in
      let own = scores.filter { set.contains(graph.queries[$0.query].visibility) }
      let confidences = own.map { min(1, exp($0.greedyLogProbability)) }
      let outcomes = own.map { !$0.greedyVerdict.isHallucination }
      let errors = zip(confidences, outcomes).map { confidence, isRight in
        (confidence - (isRight ? 1 : 0)) * (confidence - (isRight ? 1 : 0))
      }
      let clusters = ClusterSum.grouped(
        own.map { graph.queries[$0.query].subject }, errors.map { ($0, 1) })
      guard let brier = bootstrap.ratio(clusters, stream: "brier/\(set.rawValue)") else {
        return nil
      }
      let width = Calibration.reliability(confidences, outcomes, bins: bins, .equalWidth)
      let mass = Calibration.reliability(confidences, outcomes, bins: bins, .equalMass)
      return CalibrationRow(
        visibility: set, answerCount: own.count,
        accuracy: Double(outcomes.count { $0 }) / Double(own.count),
        meanConfidence: Mean.of(confidences) ?? 0, brier: brier,
        equalWidthError: Calibration.expectedError(width) ?? 0,
        equalMassError: Calibration.expectedError(mass) ?? 0, reliability: width + mass)
    }
  }
}
