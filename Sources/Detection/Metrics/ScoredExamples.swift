/// What a detector said of some completions, beside what the graph says of them.
///
/// Scores are higher where a hallucination is more likely; infinities are allowed. A label of true
/// means hallucinated, the positive class. Subjects are the clusters that intervals resample, so
/// that several completions on one subject do not count as independent.
package struct ScoredExamples: Hashable, Sendable {
  package let scores: [Double]
  package let labels: [Bool]
  package let subjects: [Int32]

  package var count: Int { scores.count }

  /// Checks and keeps the columns, one entry an example.
  ///
  /// Throws `DetectionError` where the lengths differ, where there are no examples, or where a
  /// score is not a number (naming its index).
  package init(scores: [Double], labels: [Bool], subjects: [Int32]) throws(DetectionError) {
    for (column, count) in [("labels", labels.count), ("subjects", subjects.count)]
    where count != scores.count {
      throw .lengthMismatch(column: column, count: count, expected: scores.count)
    }
    guard !scores.isEmpty else { throw .noExamples }
    if let index = scores.firstIndex(where: \.isNaN) { throw .scoreNotANumber(index: index) }
    self.scores = scores
    self.labels = labels
    self.subjects = subjects
  }
}
