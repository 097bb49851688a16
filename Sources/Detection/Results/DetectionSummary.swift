import Corpus
import LabCore
package import Training

/// How many examples a part of the split holds.
package struct PartCounts: Codable, Hashable, Sendable {
  package let part: SplitPart
  package let exampleCount: Int
  package let hallucinationCount: Int
  /// Subjects with at least one example.
  package let subjectCount: Int

  /// Share of hallucinations; nil where there are no examples.
  package var prevalence: Double? {
    exampleCount == 0 ? nil : Double(hallucinationCount) / Double(exampleCount)
  }

  enum CodingKeys: String, SnakeCaseKey {
    case part, exampleCount, hallucinationCount, subjectCount
  }
}

/// The examples of one task and position.
package struct TaskCounts: Codable, Hashable, Sendable {
  package let task: DetectorTask
  package let position: TokenPosition
  /// In the order of `SplitPart.allCases`.
  package let parts: [PartCounts]

  /// The counts of one part.
  package subscript(part: SplitPart) -> PartCounts? { parts.first { $0.part == part } }

  /// Share of hallucinations in the test part, the chance level of AUC-PR; nil where it is empty.
  package var prevalence: Double? { self[.test]?.prevalence }
}

/// The metrics of a detector's scores after they were made probabilities.
package struct CalibratedMetrics: Codable, Hashable, Sendable {
  package let method: CalibrationMethod
  /// Those that use a threshold or need probabilities.
  package let metrics: [MetricEstimate]
}

/// What one detector is and how well it does on the test part.
package struct DetectorResult: Codable, Hashable, Sendable {
  package let task: DetectorTask
  package let position: TokenPosition
  package let kind: DetectorKind
  /// "linear", "mlp-64@layer-3", "sequence-log-probability", ...
  package let name: String
  /// Name of its folder in the run's `detectors/`, for a trained one; nil for others.
  package let folder: String?
  /// What it reads: "final", "3", "all", "attention"; nil where it reads no layer.
  package let layer: String?
  /// The place of the answer that it reads; nil where there is no choice.
  package let place: String?
  /// Widths of a head's hidden layers; empty for a linear head and for what is not trained.
  package let hiddenSizes: [Int]
  /// Trained numbers: the detector's size, for `full` without embeddings; 0 for what is not
  /// trained.
  package let parameters: Int
  /// How it was trained; nil for what is not.
  package let training: HeadTrainingReport?
  /// Empty where the detector could not be measured.
  package let metrics: [MetricEstimate]
  package let calibrated: [CalibratedMetrics]
  /// Why there are no metrics; nil where there are.
  package let unmeasured: String?
  /// Of chains that have not mixed how far they are; nil, and no key, for others.
  package var unmixedChains: ChainReport?

  /// The estimate of a metric; nil where it was not measured or does not apply.
  package subscript(metric: DetectionMetric) -> MetricEstimate? {
    metrics.first { $0.metric == metric }
  }

  /// The estimate of a metric after calibration; nil where it was not measured.
  package subscript(metric: DetectionMetric, method: CalibrationMethod) -> MetricEstimate? {
    calibrated.first { $0.method == method }?.metrics.first { $0.metric == metric }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case task, position, kind, name, folder, layer, place, parameters, training, metrics,
      calibrated, unmeasured, hiddenSizes, unmixedChains
  }
}

/// What a detection measured, the contents of `kglab detect --json`.
package struct DetectionSummary: Codable, Hashable, Sendable {
  /// Hash of the options, the weights and the graph.
  package let key: String
  package let options: DetectionOptions
  /// Nested share of the graph's queries that the model was trained on, in (0, 1].
  package let fraction: Double
  package let graphHash: String
  package let weightsHash: String
  /// The step of the checkpoint that was asked; nil, and no key, for the finished model.
  package let checkpointStep: Int?
  package let tasks: [TaskCounts]
  /// By task and position, then trained ones, scores, baselines.
  package let detectors: [DetectorResult]

  /// The result of one detector; nil where it was not asked for.
  package func detector(_ task: DetectorTask, _ name: String) -> DetectorResult? {
    detectors.first { $0.task == task && $0.name == name }
  }

  /// The examples of a task; nil where it was not asked for.
  package func counts(_ task: DetectorTask, _ position: TokenPosition = .each) -> TaskCounts? {
    tasks.first { $0.task == task && $0.position == position }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case key, options, fraction, tasks, detectors, graphHash, checkpointStep
    case weightsHash = "weights_sha256"
  }
}

/// Everything that decides a detection's numbers.
package struct DetectionIdentity: Codable, Hashable, Sendable {
  /// Raised when the same options would give other numbers.
  private let version: Int
  package let options: DetectionOptions
  private let training: HeadTrainingOptions
  package let fraction: Double
  package let graphHash: String
  package let weightsHash: String
  /// The step of the checkpoint that was asked; nil, and no key, for the finished model.
  package let checkpointStep: Int?

  package init(
    of record: RunRecord, options: DetectionOptions,
    training: HeadTrainingOptions = HeadTrainingOptions(), checkpointStep: Int? = nil
  ) {
    // With 4 the relative Mahalanobis distance became one of squares, with 5 the noise of a
    // posterior was looked for.
    version = options.kinds.contains(.bayes) ? 5 : options.kinds.contains(.score) ? 4 : 3
    self.options = options.normalized
    self.training = training
    fraction = record.configuration.corpus.fraction
    graphHash = record.configuration.graphHash
    weightsHash = record.weightsHash ?? ""
    self.checkpointStep = checkpointStep
  }

  /// SHA-256 of the canonical JSON, 64 digits.
  package var key: String {
    get throws { try CanonicalJSON.hash(self).hex }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case version, options, training, fraction, graphHash, checkpointStep
    case weightsHash = "weights_sha256"
  }
}
