import LabCore

/// How an interval was made.
package enum IntervalMethod: String, Codable, CaseIterable, Sendable {
  /// Percentiles over resamples of whole subjects (Efron 1979).
  case bootstrap = "bootstrap_over_subjects"
  /// The score interval of a proportion (Wilson 1927), one answer a query.
  case wilson
  /// Wilson's with the number of subjects as n, where every answer has the same verdict.
  case wilsonOverSubjects = "wilson_over_subjects"
  /// No interval: a single subject, or none asked for.
  case none
}

/// A hallucination rate: the mean over queries, with its 95 % interval.
///
/// `rate`, `correct`, `correctHeldOut` and the abstentions, which no corpus teaches yet, sum to 1.
package struct RateEstimate: Codable, Hashable, Sendable {
  package let method: EvaluationMethod
  package let temperature: Double
  package let visibility: QuerySet
  /// `RateGroup.kind`.
  package let groupKind: String
  /// `RateGroup.value`.
  package let groupValue: String
  package let queryCount: Int
  package let subjectCount: Int
  /// Completions behind the rate; 0 for the exact rate, which draws none.
  package let sampleCount: Int
  package let rate: Double
  package let lower: Double?
  package let upper: Double?
  package let interval: IntervalMethod
  /// Mean share of answers that are trained on.
  package let correct: Double
  /// Mean share of answers that are true and held out.
  package let correctHeldOut: Double

  package init(
    series: RateSeries, visibility: QuerySet, group: RateGroup, queryCount: Int,
    subjectCount: Int, sampleCount: Int, rate: Double, lower: Double?, upper: Double?,
    interval: IntervalMethod, correct: Double, correctHeldOut: Double
  ) {
    method = series.method
    temperature = series.temperature
    self.visibility = visibility
    groupKind = group.kind
    groupValue = group.value
    self.queryCount = queryCount
    self.subjectCount = subjectCount
    self.sampleCount = sampleCount
    self.rate = rate
    self.lower = lower
    self.upper = upper
    self.interval = interval
    self.correct = correct
    self.correctHeldOut = correctHeldOut
  }

  package var series: RateSeries { RateSeries(method, temperature: temperature) }

  enum CodingKeys: String, SnakeCaseKey {
    case method, temperature, visibility, groupKind, groupValue, queryCount, subjectCount,
      sampleCount, rate, lower, upper, interval, correct, correctHeldOut
  }
}

/// How many completions got a verdict.
package struct VerdictCount: Codable, Hashable, Sendable {
  package let method: EvaluationMethod
  package let temperature: Double
  package let visibility: QuerySet
  package let verdict: String
  package let count: Int
  /// Completions in all.
  package let sampleCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case method, temperature, visibility, verdict, count, sampleCount
  }
}

/// How much of the truth the completions cover: means over queries, as in arXiv 2408.07852.
package struct AnswerCoverage: Codable, Hashable, Sendable {
  package let method: EvaluationMethod
  package let temperature: Double
  package let visibility: QuerySet
  package let queryCount: Int
  /// Share of completions that are answers: 1 - the hallucination rate.
  package let precision: Double
  /// Share of a query's answers that were generated at least once.
  package let recall: Double
  /// The same for the answers that are trained on; nil for `ivs`, which has none.
  package let visibleRecall: Double?
  /// Different completions of a query.
  package let meanDistinctCount: Double
  /// Right answers in another spelling than the tokenizer's own, which the exact rate does not
  /// count.
  package let otherSpellingCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case method, temperature, visibility, precision, recall, queryCount, visibleRecall,
      meanDistinctCount, otherSpellingCount
  }
}
