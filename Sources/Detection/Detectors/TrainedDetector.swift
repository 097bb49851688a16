/// A trained detector with what it takes to use it on other answers.
package struct TrainedDetector: Sendable {
  /// What was trained.
  package enum Payload: Sendable {
    case head(TrainedHead, FeatureSelection)
    case full(FullNetwork)
  }

  package let task: DetectorTask
  package let position: TokenPosition
  package let kind: DetectorKind
  package let name: String
  /// The place of the answer that is read, in the sentence task.
  package let place: AnswerPlace
  package let payload: Payload
  /// Maps of its scores to probabilities, fitted on the validation part.
  package var calibrations: [CalibrationMethod: ScoreCalibration] = [:]

  package init(
    task: DetectorTask, position: TokenPosition, kind: DetectorKind, name: String,
    place: AnswerPlace, payload: Payload,
    calibrations: [CalibrationMethod: ScoreCalibration] = [:]
  ) {
    self.task = task
    self.position = position
    self.kind = kind
    self.name = name
    self.place = place
    self.payload = payload
    self.calibrations = calibrations
  }
}
