import Foundation
import LanguageModel

/// The peak learning rate that one dial of sizes needs.
package enum LearningRateRule {
  private static let ceiling = 0.0125

  /// The default peak of a language model with N non-embedding parameters: 0.005 sqrt(100,000 / N), between 0.0002 and 0.0125.
  ///
  /// Chosen and held out by measurement up to 3 million parameters (experiments/defaults); the floor is what arXiv 2005.14165,
  /// table 2.1, has for 1.3 billion. Rates that follow the width by layer begin from that of the base width, by
  /// `peak(modelDimension:)`.
  package static func peak(
    of training: TrainingConfiguration, nonEmbeddingParameters: Int
  ) -> Double {
    guard training.parameterization == .plain else {
      return peak(modelDimension: training.baseWidth)
    }
    return max(
      0.0002, bounded(0.005 * (100_000 / Double(nonEmbeddingParameters)).squareRoot()))
  }

  /// The peak for a body of width C that is trained for a few epochs, as full detectors are: 0.01 sqrt(64 / C), never above 0.0125.
  package static func peak(modelDimension: Int) -> Double {
    bounded(0.01 * (64 / Double(modelDimension)).squareRoot())
  }

  private static func bounded(_ rate: Double) -> Double {
    min(ceiling, (rate * 1e6).rounded() / 1e6)
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
