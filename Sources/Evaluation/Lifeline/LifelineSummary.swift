import Analysis
import Foundation
import LabCore

/// How much of a set of queries was known at a kept step.
package struct LifelineStep: Codable, Hashable, Sendable {
  package let step: Int
  package let visibility: QuerySet
  /// Share of the queries whose true answers together are likelier than not.
  package let knownShare: Double
  package let meanProbability: Double

  enum CodingKeys: String, SnakeCaseKey {
    case step, visibility, knownShare, meanProbability
  }
}

/// What became of the facts of a set of queries.
package struct LifelineCount: Codable, Hashable, Sendable {
  package let visibility: QuerySet
  package let queryCount: Int
  /// Known at the last kept step.
  package let learnedCount: Int
  /// Known once, not at the last kept step.
  package let forgottenCount: Int
  /// Known at no kept step.
  package let neverKnownCount: Int
  /// The median of the steps from which on learned facts were known; nil where none was learned.
  package let medianLearnedStep: Double?
  /// Mean number of times that a known fact was lost at the next kept step.
  package let meanForgettingCount: Double

  enum CodingKeys: String, SnakeCaseKey {
    case visibility, queryCount, learnedCount, forgottenCount, neverKnownCount, medianLearnedStep,
      meanForgettingCount
  }
}

/// What `kglab lifeline` says of a run.
package struct LifelineSummary: Codable, Hashable, Sendable {
  package let key: String
  /// The kept steps that were asked, ascending.
  package let steps: [Int]
  package let threshold: Double
  package let curve: [LifelineStep]
  package let counts: [LifelineCount]
  /// The facts that were chosen; nil where all were asked, whose rows are in run.sqlite.
  package let facts: [FactLifeline]?

  /// `isChosen`: the facts are few and belong to the summary.
  init(key: String, steps: [Int], lifelines: [FactLifeline], isChosen: Bool) {
    self.key = key
    self.steps = steps
    threshold = FactLifeline.threshold
    var curve: [LifelineStep] = []
    var counts: [LifelineCount] = []
    for set in QuerySet.allCases {
      let own = lifelines.filter { set.contains($0.visibility) }
      guard !own.isEmpty else { continue }
      let total = Double(own.count)
      for (index, step) in steps.enumerated() {
        let values = own.map { $0.points[index].probability }
        curve.append(
          LifelineStep(
            step: step, visibility: set,
            knownShare: Double(values.count { $0 > FactLifeline.threshold }) / total,
            meanProbability: Mean.sum(values) / total))
      }
      let learned = own.compactMap(\.learnedStep).map(Double.init).sorted()
      counts.append(
        LifelineCount(
          visibility: set, queryCount: own.count, learnedCount: learned.count,
          forgottenCount: own.count { $0.forgottenStep != nil },
          neverKnownCount: own.count { $0.firstKnownStep == nil },
          medianLearnedStep: Mean.quantile(0.5, ofSorted: learned),
          meanForgettingCount: Double(own.reduce(0) { $0 + $1.forgettingCount }) / total))
    }
    self.curve = curve
    self.counts = counts
    facts = isChosen ? lifelines : nil
  }
}
