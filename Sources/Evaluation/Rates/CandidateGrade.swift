import KnowledgeGraph
import LabCore

/// How well true answers rank among candidates: means over queries, with 95 % intervals over
/// subjects.
package struct CandidateGrade: Codable, Hashable, Sendable {
  package let visibility: QuerySet
  /// `RateGroup.kind`.
  package let groupKind: String
  /// `RateGroup.value`.
  package let groupValue: String
  package let queryCount: Int
  package let subjectCount: Int
  /// True answers ranked.
  package let answerCount: Int
  /// Share of true answers that are likelier than every candidate.
  package let accuracy: Double
  package let accuracyLower: Double?
  package let accuracyUpper: Double?
  /// Accuracy of a guess among the answer and its candidates.
  package let chance: Double
  /// Mean of 1 / rank.
  package let meanReciprocalRank: Double
  package let meanReciprocalRankLower: Double?
  package let meanReciprocalRankUpper: Double?

  enum CodingKeys: String, SnakeCaseKey {
    case visibility, accuracy, chance, groupKind, groupValue, queryCount, subjectCount, answerCount,
      accuracyLower, accuracyUpper, meanReciprocalRank, meanReciprocalRankLower,
      meanReciprocalRankUpper
  }
}

extension RateTables {
  /// One grade for each set and group; none where no candidate was ranked.
  func grades() -> [CandidateGrade] {
    cells.compactMap { cell in
      let ranked = cell.positions.map { tallies[$0].ranked }
      guard ranked.allSatisfy({ !$0.isEmpty }) else { return nil }
      func mean(_ answers: [RankedAnswer], _ value: (RankedAnswer) -> Double) -> Double {
        answers.reduce(0) { $0 + value($1) } / Double(answers.count)
      }
      let bootstrap = SubjectBootstrap(
        subjects: cell.positions.map { graph.queries[tallies[$0].query].subject },
        series: [
          ranked.map { mean($0) { $0.rank == 1 ? 1 : 0 } }, ranked.map { mean($0) { 1 / $0.rank } },
          ranked.map { mean($0) { 1 / Double($0.candidateCount + 1) } },
        ])
      var stream = Seed(options.seed).stream(
        "evaluation/candidates/bootstrap/\(cell.set.rawValue)/\(cell.group.kind)/\(cell.group.value)"
      )
      let intervals = bootstrap.intervals(resamples: options.resampleCount, stream: &stream)
      let means = bootstrap.means
      return CandidateGrade(
        visibility: cell.set, groupKind: cell.group.kind, groupValue: cell.group.value,
        queryCount: cell.positions.count, subjectCount: bootstrap.subjectCount,
        answerCount: ranked.reduce(0) { $0 + $1.count }, accuracy: means[0],
        accuracyLower: intervals?[0].lower, accuracyUpper: intervals?[0].upper, chance: means[2],
        meanReciprocalRank: means[1], meanReciprocalRankLower: intervals?[1].lower,
        meanReciprocalRankUpper: intervals?[1].upper)
    }
  }
}
