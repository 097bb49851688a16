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
  /// All metrics at once; Brier score, calibration error and log-loss only where all scores are in
  /// [0, 1].
  ///
  /// Throws `DetectionError.oneClass` where no example, or every example, is hallucinated, and
  /// `.optionInvalid` for impossible options.
  package func metrics(
    _ options: MetricOptions = MetricOptions()
  ) throws(DetectionError) -> MetricValues {
    let ranked = try RankedExamples(self, options)
    guard let values = ranked.values(multiplicities: ranked.ones) else { throw oneClassError }
    return values
  }

  /// Area under the ROC curve: scikit-learn's `roc_auc_score`, ties counting one half.
  ///
  /// Throws as `metrics(_:)`.
  package func auroc() throws(DetectionError) -> Double {
    guard let auroc = try metrics().ranking?.auroc else { throw oneClassError }
    return auroc
  }

  var oneClassError: DetectionError { .oneClass(hallucinated: labels[0], count: count) }
}
