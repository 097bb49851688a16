import Compute
import LanguageModel

/// Features as kernels take them.
package struct KernelInputs: Equatable, Sendable {
  let standardizer: Standardizer

  /// Standardised rows in double precision.
  func rows(_ features: [Float]) -> DenseMatrix {
    DenseMatrix(
      rows: features.count / standardizer.width, columns: standardizer.width,
      standardizer.apply(features).map(Double.init))
  }
}

/// A set's examples as heads in double precision take them: standardised states, with the verdicts
/// that are learned from.
struct StateExamples {
  /// Examples of the training and the validation part.
  let train: [Int]
  let validation: [Int]
  let inputs: KernelInputs
  /// States of the training part, and of the validation part.
  let learned: DenseMatrix
  let known: DenseMatrix
  private let material: DetectorMaterial
  private let selection: FeatureSelection
  private let place: AnswerPlace

  /// Reads the states that a finite head reads, scaled by the training part.
  ///
  /// Throws `DetectionError` where a part is empty or all training examples have one verdict.
  init(_ material: DetectorMaterial, of head: HeadDetector) throws {
    self.material = material
    (selection, place) = (head.selection, head.place)
    (train, validation) = (material.rows(.train), material.rows(.validation))
    guard !train.isEmpty, !validation.isEmpty else { throw DetectionError.noExamples }
    let labels = material.learnedLabels
    guard train.contains(where: { [train] in labels[$0] != labels[train[0]] }) else {
      throw DetectionError.oneClassInTraining(hallucinated: labels[train[0]], count: train.count)
    }
    func features(_ rows: [Int]) throws -> [Float] {
      try material.features.matrix(
        head.selection, rows: material.featureRows(rows, at: head.place))
    }
    let own = try features(train)
    inputs = KernelInputs(
      standardizer: Standardizer(
        fitting: own, width: own.count / train.count, rows: Array(train.indices)))
    learned = inputs.rows(own)
    known = try inputs.rows(features(validation))
  }

  /// 1 for each hallucination of the training part and -1 for each other example.
  var targets: [Double] { train.map { material.learnedLabels[$0] ? 1 : -1 } }

  /// Scores of the validation part with its verdicts.
  func scored(_ scores: [Double]) throws -> ScoredExamples {
    try ScoredExamples(
      scores: scores, labels: validation.map { material.learnedLabels[$0] },
      subjects: validation.map { material.set.examples[$0].subject })
  }

  /// A detector that scores by `values` of states, with a report of how it was made.
  ///
  /// The validation part's loss is that after Platt scaling on it. Its AUROC is `quality` where
  /// that is known.
  func fitted(
    _ model: any TrainedModel, steps: Int, bestStep: Int, regularization: Double,
    quality: Double? = nil, values: (DenseMatrix) -> [Double]
  ) throws -> FittedDetector {
    let scores = values(known)
    let scored = try scored(scores)
    let curve = try ScoreCalibration(.platt, fitting: scored)
    let loss = zip(scores, validation).reduce(0) {
      $0 + LogLoss.ofProbability(curve.probability($1.0), label: material.learnedLabels[$1.1])
    }
    let asked = try material.features.matrix(
      selection, rows: material.featureRows(material.rows(.test), at: place))
    return FittedDetector(
      validation: scores, test: values(inputs.rows(asked)),
      training: HeadTrainingReport(
        stepCount: steps, bestStep: bestStep, regularization: regularization,
        validationLoss: loss / Double(validation.count),
        validationAUROC: quality ?? (try? scored.auroc())),
      model: model)
  }
}
