package import LabCore

/// A training whose loss or gradient is no longer finite: the end of the run, and in a study a result.
package struct TrainingDivergence: LabFailure, Equatable {
  /// Steps done before it.
  package let step: Int
  /// The values that were seen.
  package let reason: String
  /// What to try.
  package let advice: String

  /// A divergence after `step` steps.
  package init(step: Int, reason: String, advice: String) {
    self.step = step
    self.reason = reason
    self.advice = advice
  }

  package var description: String {
    "training diverged at step \(step): \(reason); \(advice)"
  }

  package var exitStatus: ExitStatus { .failure }
}
