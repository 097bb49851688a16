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

/// The size and level of a bootstrap over subjects.
package struct BootstrapOptions: Codable, Hashable, Sendable {
  /// Number of resamples; 0 for values without intervals.
  package var resampleCount = 1_000
  /// Share of the resampled values inside the interval, inside (0, 1).
  package var level = 0.95

  package init(resampleCount: Int = 1_000, level: Double = 0.95) {
    self.resampleCount = resampleCount
    self.level = level
  }

  private enum CodingKeys: String, CodingKey {
    case resampleCount = "resample_count"
    case level
  }

  func check() throws(DetectionError) {
    guard resampleCount >= 0 else {
      throw .optionInvalid(
        name: "resample count", value: "\(resampleCount)", allowed: "a number of at least 0")
    }
    guard level > 0, level < 1 else {
      throw .optionInvalid(
        name: "interval level", value: "\(level)", allowed: "a number inside (0, 1)")
    }
  }
}

/// How well a detector does on one set of examples: every metric that is defined, with intervals.
package struct DetectionQuality: Codable, Hashable, Sendable {
  package let exampleCount: Int
  package let hallucinationCount: Int
  package let subjectCount: Int
  package let metricOptions: MetricOptions
  package let bootstrapOptions: BootstrapOptions
  /// Resamples that held both classes; the intervals rest on these.
  package let usedResampleCount: Int
  /// In the order of `DetectionMetric.allCases`.
  package let estimates: [MetricEstimate]

  /// The estimate of a metric; nil where it needs probabilities and the scores are none.
  package subscript(metric: DetectionMetric) -> MetricEstimate? {
    estimates.first { $0.metric == metric }
  }

  private enum CodingKeys: String, CodingKey {
    case exampleCount = "example_count"
    case hallucinationCount = "hallucination_count"
    case subjectCount = "subject_count"
    case metricOptions = "metric_options"
    case bootstrapOptions = "bootstrap_options"
    case usedResampleCount = "used_resample_count"
    case estimates
  }
}

extension ScoredExamples {
  /// All metrics with percentile intervals from resampling whole subjects with replacement.
  ///
  /// The draws depend on the seed, the name and the number of subjects alone: detectors measured on
  /// the same examples with the same seed and name see the same resamples. Resamples that hold one
  /// class only are left out; where these are more than a tenth, or where there is one subject only,
  /// the intervals are nil. Without `withRanking` only what needs a threshold or probabilities, and the prevalence,
  /// is measured. Throws `DetectionError.oneClass` and `.optionInvalid`.
  /// O((examples + subjects) x resamples).
  package func quality(
    seed: Seed, name: String, metrics: MetricOptions = MetricOptions(),
    bootstrap: BootstrapOptions = BootstrapOptions(), withRanking: Bool = true
  ) throws(DetectionError) -> DetectionQuality {
    try bootstrap.check()
    let ranked = try RankedExamples(self, metrics)
    guard let values = ranked.values(multiplicities: ranked.ones, withRanking: withRanking) else {
      throw oneClassError
    }
    let resampled = ranked.resampledValues(
      seed: seed, name: name, count: bootstrap.resampleCount, withRanking: withRanking)
    let isSupported =
      ranked.subjects.count > 1 && !resampled.isEmpty
      && resampled.count * 10 >= bootstrap.resampleCount * 9
    let estimates = DetectionMetric.allCases.compactMap { metric -> MetricEstimate? in
      guard let value = values[metric] else { return nil }
      let sorted = isSupported ? resampled.compactMap { $0[metric] }.sorted() : []
      return MetricEstimate(
        metric: metric, value: value,
        lower: Mean.quantile((1 - bootstrap.level) / 2, ofSorted: sorted),
        upper: Mean.quantile((1 + bootstrap.level) / 2, ofSorted: sorted),
        chance: metric.chanceLevel(prevalence: values.prevalence, options: metrics))
    }
    return DetectionQuality(
      exampleCount: count, hallucinationCount: labels.count { $0 },
      subjectCount: ranked.subjects.count, metricOptions: metrics, bootstrapOptions: bootstrap,
      usedResampleCount: resampled.count, estimates: estimates)
  }
}

extension RankedExamples {
  /// The metrics of each resample that holds both classes, in order of drawing.
  package func resampledValues(
    seed: Seed, name: String, count: Int, withRanking: Bool = true
  ) -> [MetricValues] {
    var stream = seed.stream("detection/bootstrap/\(name)")
    return (0..<count).compactMap { _ in
      values(multiplicities: drawMultiplicities(&stream), withRanking: withRanking)
    }
  }

  /// As many subjects as there are, drawn with replacement: how often each was drawn.
  package func drawMultiplicities(_ stream: inout RandomStream) -> [Double] {
    var multiplicities = Array(repeating: 0.0, count: subjects.count)
    for _ in subjects.indices { multiplicities[stream.below(subjects.count)] += 1 }
    return multiplicities
  }
}
