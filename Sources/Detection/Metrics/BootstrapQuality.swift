import Analysis
package import LabCore

/// One metric with its interval, a row of a table.
package struct MetricEstimate: Codable, Hashable, Sendable {
  package let metric: DetectionMetric
  package let value: Double
  /// Ends of the interval; nil where the examples do not support one.
  package let lower: Double?
  package let upper: Double?
  /// Expected value for random scores; nil where it depends on the scores.
  package let chance: Double?
}

/// How well a detector does on one set of examples: every metric that is defined, with intervals.
package struct DetectionQuality: Hashable, Sendable {
  /// Resamples that held both classes; the intervals rest on these.
  package let usedResampleCount: Int
  /// In the order of `DetectionMetric.allCases`.
  package let estimates: [MetricEstimate]

  /// The estimate of a metric; nil where it needs probabilities and the scores are none.
  package subscript(metric: DetectionMetric) -> MetricEstimate? {
    estimates.first { $0.metric == metric }
  }
}

extension ScoredExamples {
  /// All metrics with 95 % percentile intervals from resampling whole subjects with replacement.
  ///
  /// The draws depend on the seed, the name and the number of subjects alone: detectors measured on
  /// the same examples with the same seed and name see the same resamples. Resamples that hold one
  /// class only are left out; where these are more than a tenth, or where there is one subject
  /// only, the intervals are nil. Without `withRanking` only what needs a threshold or
  /// probabilities, and the prevalence, is measured. Throws `DetectionError.oneClass`.
  /// O((examples + subjects) x resamples).
  package func quality(
    seed: Seed, name: String, resampleCount: Int = 1_000, withRanking: Bool = true
  ) throws(DetectionError) -> DetectionQuality {
    let ranked = try RankedExamples(self)
    guard let values = ranked.values(multiplicities: ranked.ones, withRanking: withRanking) else {
      throw oneClassError
    }
    var stream = seed.stream("detection/bootstrap/\(name)")
    let resampled = (0..<resampleCount).compactMap { _ in
      ranked.values(
        multiplicities: ranked.drawMultiplicities(&stream), withRanking: withRanking)
    }
    let isSupported =
      ranked.subjects.count > 1 && !resampled.isEmpty
      && resampled.count * 10 >= resampleCount * 9
    let estimates = DetectionMetric.allCases.compactMap { metric -> MetricEstimate? in
      guard let value = values[metric] else { return nil }
      let sorted = isSupported ? resampled.compactMap { $0[metric] }.sorted() : []
      return MetricEstimate(
        metric: metric, value: value, lower: Mean.quantile((1 - 0.95) / 2, ofSorted: sorted),
        upper: Mean.quantile((1 + 0.95) / 2, ofSorted: sorted),
        chance: metric.chanceLevel(prevalence: values.prevalence))
    }
    return DetectionQuality(usedResampleCount: resampled.count, estimates: estimates)
  }
}

extension RankedExamples {
  /// As many subjects as there are, drawn with replacement: how often each was drawn.
  package func drawMultiplicities(_ stream: inout RandomStream) -> [Double] {
    var multiplicities = Array(repeating: 0.0, count: subjects.count)
    for _ in subjects.indices { multiplicities[stream.below(subjects.count)] += 1 }
    return multiplicities
  }
}
