/// One value for every metric on one set of examples.
package struct MetricValues: Hashable, Sendable {
  package let prevalence: Double
  package let accuracy: Double
  package let f1: Double
  /// What the order of the scores says; nil where it was not asked for.
  package let ranking: Ranking?
  /// Brier score, calibration error and log-loss; nil where the scores are no probabilities.
  package let calibration: Calibration?

  /// How well the order of the scores tells hallucinations.
  package struct Ranking: Hashable, Sendable {
    package internal(set) var auprc = 0.0
    package internal(set) var auprcMatched = 0.0
    package internal(set) var auroc = 0.0
    package internal(set) var fprAtTpr = 1.0
    package internal(set) var prr = 0.0
    package internal(set) var aurc = 0.0
  }

  /// How well scores work as probabilities.
  package struct Calibration: Hashable, Sendable {
    package let brier: Double
    package let ece: Double
    package let logLoss: Double
  }

  /// The value of a metric; nil where the metric needs probabilities and the scores are none.
  package subscript(metric: DetectionMetric) -> Double? {
    switch metric {
    case .prevalence: prevalence
    case .auprc: ranking?.auprc
    case .auprcMatched: ranking?.auprcMatched
    case .auroc: ranking?.auroc
    case .accuracy: accuracy
    case .f1: f1
    case .fprAtTpr: ranking?.fprAtTpr
    case .brier: calibration?.brier
    case .ece: calibration?.ece
    case .logLoss: calibration?.logLoss
    case .prr: ranking?.prr
    case .aurc: ranking?.aurc
    }
  }
}

extension ScoredExamples {
  /// All metrics at once; Brier score, calibration error and log-loss only where all scores are in [0, 1].
  ///
  /// Throws `DetectionError.oneClass` where no example, or every example, with a weight above 0 is
  /// hallucinated, and `.optionInvalid` for impossible options.
  package func metrics(
    _ options: MetricOptions = MetricOptions()
  ) throws(DetectionError) -> MetricValues {
    let ranked = try RankedExamples(self, options)
    guard let values = ranked.values() else { throw oneClassError }
    return values
  }

  /// Average precision: scikit-learn's `average_precision_score`, equal scores being one threshold.
  ///
  /// With `matchedPrevalence`, the classes are weighted so that the weighted share of hallucinations
  /// has that value. Throws as `metrics(_:)`.
  package func auprc(matchedPrevalence: Double? = nil) throws(DetectionError) -> Double {
    guard let matchedPrevalence else { return try ranking().auprc }
    return try ranking(MetricOptions(matchedPrevalence: matchedPrevalence)).auprcMatched
  }

  /// What the order of the scores says; throws as `metrics(_:)`.
  package func ranking(
    _ options: MetricOptions = MetricOptions()
  ) throws(DetectionError) -> MetricValues.Ranking {
    guard let ranking = try metrics(options).ranking else { throw oneClassError }
    return ranking
  }

  /// Area under the ROC curve: scikit-learn's `roc_auc_score`, ties counting one half.
  ///
  /// Throws as `metrics(_:)`.
  package func auroc() throws(DetectionError) -> Double { try ranking().auroc }

  /// Weighted share of hallucinations; defined for one class too, where some weight is above 0.
  package func prevalence() throws(DetectionError) -> Double {
    let total = weights.reduce(0, +)
    guard total > 0 else { throw .noExamples }
    return zip(labels, weights).reduce(0) { $0 + ($1.0 ? $1.1 : 0) } / total
  }

  /// Brier score, calibration error and log-loss, defined for one class too.
  ///
  /// Throws `DetectionError.scoreNotAProbability`, naming the first score outside [0, 1].
  package func calibration(
    binCount: Int = 15
  ) throws(DetectionError) -> MetricValues.Calibration {
    let ranked = try RankedExamples(self, MetricOptions(calibrationBinCount: binCount))
    if let index = scores.firstIndex(where: { !(0...1).contains($0) }) {
      throw .scoreNotAProbability(index: index, score: scores[index])
    }
    let multiplicities = ranked.ones
    guard let calibration = ranked.calibration(multiplicities, ranked.totals(multiplicities)) else {
      throw .noExamples
    }
    return calibration
  }

  var oneClassError: DetectionError {
    let counted = indices.filter { weights[$0] > 0 }
    guard let first = counted.first else { return .noExamples }
    return .oneClass(hallucinated: labels[first], count: counted.count)
  }

  private var indices: Range<Int> { scores.indices }
}
