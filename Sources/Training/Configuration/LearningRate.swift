import Foundation

/// The peak learning rate that one dial of sizes needs.
package enum LearningRateRule {
  /// The peak for a model of width C: `base` * sqrt(64 / C), never above `ceiling`.
  ///
  /// Chosen by measurement on the quickstart graph; docs/experiment-log.md has the sweep.
  package static func peak(modelDimension: Int) -> Double {
    let base = 0.01
    let ceiling = 0.0125
    let rate = base * (64 / Double(modelDimension)).squareRoot()
    return min(ceiling, (rate * 1e6).rounded() / 1e6)
  }
}

/// Learning rate by step: linear warm-up, then a cosine to the final share.
struct LearningRateSchedule {
  let peak: Double
  let finalShare: Double
  let warmUpSteps: Int
  let stepCount: Int

  init(_ training: TrainingConfiguration, stepCount: Int) {
    peak = training.learningRate
    finalShare = training.finalLearningRateShare
    warmUpSteps = Int((training.warmUpShare * Double(stepCount)).rounded())
    self.stepCount = stepCount
  }

  /// The rate of the step with this number, counted from 0.
  func rate(at step: Int) -> Double {
    if step < warmUpSteps { return peak * Double(step + 1) / Double(warmUpSteps) }
    let progress = Double(step - warmUpSteps) / Double(max(1, stepCount - warmUpSteps))
    return peak * (finalShare + (1 - finalShare) * 0.5 * (1 + cos(Double.pi * progress)))
  }
}
