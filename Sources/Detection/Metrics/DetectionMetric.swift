/// A number that says how well scores tell hallucinations from other answers.
package enum DetectionMetric: String, Codable, CaseIterable, Sendable {
  /// Share of hallucinations: the chance level of `auprc`.
  case prevalence
  /// Average precision, the headline.
  case auprc
  /// Average precision after weighting the classes to a stated prevalence.
  case auprcMatched = "auprc_matched"
  /// Probability that a hallucination scores above another answer, ties counting one half.
  case auroc
  /// Share of correct decisions when a score of at least the threshold means hallucination.
  case accuracy
  /// Harmonic mean of precision and recall at the same threshold.
  case f1
  /// False-positive rate at the first threshold that finds the stated share of hallucinations.
  case fprAtTpr = "fpr_at_tpr"
  /// Prediction rejection ratio: the share of an oracle's gain over random rejection.
  case prr
  /// Area under the risk-coverage curve: mean rate of hallucinations among the answers kept.
  case aurc
  /// Mean squared difference of score and label; needs scores that are probabilities.
  case brier
  /// Expected calibration error over equal-width bins; needs scores that are probabilities.
  case ece
  /// Mean of -log of the probability given to the label, in nats; needs scores that are
  /// probabilities.
  case logLoss = "log_loss"

  /// Whether the metric is defined only for scores in [0, 1].
  package var needsProbabilities: Bool { self == .brier || self == .ece || self == .logLoss }

  /// Whether the metric compares scores with `MetricOptions.threshold`.
  package var usesThreshold: Bool { self == .accuracy || self == .f1 }

  /// The expected value for scores that are drawn at random; nil where it depends on the scores.
  package func chanceLevel(prevalence: Double, options: MetricOptions = MetricOptions()) -> Double?
  {
    switch self {
    case .prevalence, .auprc, .aurc: prevalence
    case .auprcMatched: options.matchedPrevalence
    case .auroc: 0.5
    case .fprAtTpr: options.truePositiveRate
    case .prr: 0
    case .accuracy, .f1, .brier, .ece, .logLoss: nil
    }
  }
}

/// The stated constants inside the metrics.
package struct MetricOptions: Hashable, Sendable {
  /// Prevalence that `auprc_matched` weights the classes to, inside (0, 1).
  package var matchedPrevalence = 0.5
  /// A score of at least this means hallucination, for `accuracy` and `f1`.
  package var threshold = 0.5
  /// Share of hallucinations to find for `fpr_at_tpr`, in (0, 1].
  package var truePositiveRate = 0.95
  /// Equal-width bins of [0, 1] for `ece`; a bin holds its lower edge, the last one both edges.
  package var calibrationBinCount = 15

  package init(
    matchedPrevalence: Double = 0.5, threshold: Double = 0.5, truePositiveRate: Double = 0.95,
    calibrationBinCount: Int = 15
  ) {
    self.matchedPrevalence = matchedPrevalence
    self.threshold = threshold
    self.truePositiveRate = truePositiveRate
    self.calibrationBinCount = calibrationBinCount
  }

  func check() throws(DetectionError) {
    guard matchedPrevalence > 0, matchedPrevalence < 1 else {
      throw .optionInvalid(
        name: "matched prevalence", value: "\(matchedPrevalence)", allowed: "a number inside (0, 1)"
      )
    }
    guard !threshold.isNaN else {
      throw .optionInvalid(name: "threshold", value: "nan", allowed: "a number")
    }
    guard truePositiveRate > 0, truePositiveRate <= 1 else {
      throw .optionInvalid(
        name: "true-positive rate", value: "\(truePositiveRate)", allowed: "a number in (0, 1]")
    }
    guard calibrationBinCount >= 1, calibrationBinCount <= 1_000_000 else {
      throw .optionInvalid(
        name: "calibration bin count", value: "\(calibrationBinCount)",
        allowed: "a number from 1 to 1000000")
    }
  }
}
