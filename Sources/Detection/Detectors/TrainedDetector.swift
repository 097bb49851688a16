package import Corpus
package import Foundation
import LabCore
package import LanguageModel

/// What was trained of a detector: what it reads, how it scores, what it saves and loads, and why
/// it refuses.
package protocol TrainedModel: Sendable {
  /// What must have been captured of the language model judged; empty for what reads the text
  /// alone.
  var streams: Set<CaptureStream> { get }
  /// The place of the answer that is read, in the sentence task.
  var place: AnswerPlace { get }
  /// Why it, called `name`, cannot read a language model of this shape; nil where it can.
  func refusal(for configuration: ModelConfiguration, name: String) -> String?
  /// The score of each of some answers or tokens, which a language model has read as `text`.
  func scores(
    _ places: [TextPlace], of features: AnswerFeatures, text: TripleText, workers: Int
  ) throws -> [Double]
  /// Writes its files, and into the record what they hold.
  func save(to folder: URL, _ record: inout DetectorRecord) throws
  /// Reads what `save` wrote; throws `LabError` naming the file that is missing, altered or
  /// damaged.
  static func load(_ record: DetectorRecord, from folder: URL) throws -> Self
}

extension TrainedModel {
  static var advice: String {
    "use it on a model of the shape it was trained on, or train one for this model with kglab detect"
  }
}

/// A trained detector with what it takes to use it on other answers.
package struct TrainedDetector: Sendable {
  package let task: DetectorTask
  package let position: TokenPosition
  package let kind: DetectorKind
  package let name: String
  package let model: any TrainedModel
  /// Maps of its scores to probabilities, fitted on the validation part.
  package var calibrations: [CalibrationMethod: ScoreCalibration] = [:]

  package init(
    task: DetectorTask, position: TokenPosition, kind: DetectorKind, name: String,
    model: any TrainedModel, calibrations: [CalibrationMethod: ScoreCalibration] = [:]
  ) {
    self.task = task
    self.position = position
    self.kind = kind
    self.name = name
    self.model = model
    self.calibrations = calibrations
  }

  /// What a recipe made of a set of examples.
  init(
    _ recipe: any DetectorRecipe, of set: ExampleSet, _ model: any TrainedModel,
    calibrations: [CalibrationMethod: ScoreCalibration] = [:]
  ) {
    self.init(
      task: set.task, position: set.position, kind: recipe.kind, name: recipe.name, model: model,
      calibrations: calibrations)
  }

  /// Why this detector cannot read a language model of this shape; nil where it can.
  package func refusal(_ configuration: ModelConfiguration) -> String? {
    model.refusal(for: configuration, name: name)
  }

  /// Scores of some examples of another set of answers, read by a language model.
  ///
  /// Throws `DetectionError.unsuitable` where the model's shape does not fit.
  package func scores(
    _ rows: [Int], of material: DetectorMaterial, text: TripleText
  ) throws -> [Double] {
    if let reason = refusal(material.features.configuration) {
      throw DetectionError.unsuitable(reason: reason)
    }
    return try model.scores(
      rows.map { material.set.examples[$0].textPlace }, of: material.features, text: text,
      workers: material.work.workers)
  }
}
