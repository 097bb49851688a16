/// What a detector said of some completions, beside what the graph says of them.
///
/// Scores are higher where a hallucination is more likely; infinities are allowed. A label of true
/// means hallucinated, the positive class. Weights default to 1. Subjects are the clusters that
/// intervals resample, so that several completions on one subject do not count as independent.
package struct ScoredExamples: Hashable, Sendable {
  package let scores: [Double]
  package let labels: [Bool]
  package let weights: [Double]
  package let subjects: [Int32]

  package var count: Int { scores.count }

  /// Checks and keeps the columns, one entry an example.
  ///
  /// Throws `DetectionError` where the lengths differ, where there are no examples, where a score is
  /// not a number (naming its index), or where a weight is negative or not finite.
  package init(
    scores: [Double], labels: [Bool], subjects: [Int32], weights: [Double]? = nil
  ) throws(DetectionError) {
    let weights = weights ?? Array(repeating: 1, count: scores.count)
    for (column, count) in [
      ("labels", labels.count), ("subjects", subjects.count), ("weights", weights.count),
    ] where count != scores.count {
      throw .lengthMismatch(column: column, count: count, expected: scores.count)
    }
    guard !scores.isEmpty else { throw .noExamples }
    if let index = scores.firstIndex(where: \.isNaN) { throw .scoreNotANumber(index: index) }
    if let index = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .weightInvalid(index: index, weight: weights[index])
    }
    self.scores = scores
    self.labels = labels
    self.weights = weights
    self.subjects = subjects
  }

  /// The same from single-precision scores, each converted exactly.
  package init(
    scores: [Float], labels: [Bool], subjects: [Int32], weights: [Double]? = nil
  ) throws(DetectionError) {
    try self.init(
      scores: scores.map(Double.init), labels: labels, subjects: subjects, weights: weights)
  }

  /// The examples at these indices, in this order.
  ///
  /// Throws `DetectionError.noExamples` where `indices` is empty.
  package func subset(_ indices: [Int]) throws(DetectionError) -> ScoredExamples {
    try ScoredExamples(
      scores: indices.map { scores[$0] }, labels: indices.map { labels[$0] },
      subjects: indices.map { subjects[$0] }, weights: indices.map { weights[$0] })
  }
}
