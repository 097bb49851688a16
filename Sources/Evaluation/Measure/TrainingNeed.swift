package import Training

/// What a model must have been trained with for a measure to be taken of it.
package enum TrainingNeed: Sendable {
  /// A slot for other texts in its lines.
  case slot
  /// Lines on rules, which a model may have from the one that it began as.
  case rules

  /// The setting of training that a model lacks, with a value that would do; nil where it lacks
  /// none.
  package func missing(in request: TrainingRequest, isFresh: Bool) -> String? {
    switch self {
    case .slot: request.slotShare > 0 ? nil : "slot_share: 0.3"
    case .rules: request.ruleShare > 0 || !isFresh ? nil : "rule_share: 0.1"
    }
  }
}
