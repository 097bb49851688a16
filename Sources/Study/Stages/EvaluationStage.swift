/// Measures one language model.
enum EvaluationStage {
  /// Raised when the same settings give other numbers than before.
  static let version = 1
}
