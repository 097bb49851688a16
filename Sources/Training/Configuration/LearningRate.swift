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

/// How the learning rate goes on after warm-up.
package enum ScheduleShape: String, Codable, CaseIterable, Sendable {
  /// Falls in half a cosine to the final share.
  case cosine
  /// Falls in a line to the final share.
  case linear
  /// Stays at the peak.
  case constant
  /// Warm-up, stable, decay: stays at the peak, then falls in a line over the last `decay_share` of the steps.
  case wsd
}

/// Learning rate by step: linear warm-up to the peak, then the shape.
///
/// Of N steps, W warm up: step t < W has (t + 1) / W of the peak. After that p = (t - W) / (N - W) runs from 0
/// towards 1, which step N, the first after the end, would reach; f is the final share:
///
///     cosine    f + (1 - f) (1 + cos(pi p)) / 2
///     linear    1 - (1 - f) p
///     constant  1
///     wsd       1 while t < N - D, then 1 - (1 - f) (t - (N - D)) / D
///
/// D is `decay_share` of N, rounded, at least 1 and at most N - W.
package struct LearningRateSchedule: Sendable {
  private let peak: Double
  private let shape: ScheduleShape
  private let finalShare: Double
  private let stepCount: Int
  private let decaySteps: Int
  /// W: steps of warm-up.
  package let warmUpSteps: Int

  /// The schedule of a training of `stepCount` steps.
  package init(_ training: TrainingConfiguration, stepCount: Int) {
    peak = training.learningRate
    shape = training.schedule
    finalShare = training.finalLearningRateShare
    self.stepCount = stepCount
    warmUpSteps =
      training.warmUpSteps ?? Int((training.warmUpShare * Double(stepCount)).rounded())
    let decay = Int((training.decayShare * Double(stepCount)).rounded())
    decaySteps = max(1, min(decay, stepCount - warmUpSteps))
  }

  /// The rate of the step with this number, counted from 0.
  package func rate(at step: Int) -> Double {
    if step < warmUpSteps { return peak * Double(step + 1) / Double(warmUpSteps) }
    return peak * share(at: step)
  }

  private func share(at step: Int) -> Double {
    let progress = Double(step - warmUpSteps) / Double(max(1, stepCount - warmUpSteps))
    switch shape {
    case .cosine: return finalShare + (1 - finalShare) * 0.5 * (1 + cos(Double.pi * progress))
    case .linear: return 1 - (1 - finalShare) * progress
    case .constant: return 1
    case .wsd:
      let begin = stepCount - decaySteps
      return step < begin
        ? 1 : 1 - (1 - finalShare) * Double(step - begin) / Double(decaySteps)
    }
  }
}
