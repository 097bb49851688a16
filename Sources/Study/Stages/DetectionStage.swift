/// Trains and judges the detectors of one language model.
enum DetectionStage {
  /// Raised when the same settings give other numbers than before.
  static let version = 1
}
