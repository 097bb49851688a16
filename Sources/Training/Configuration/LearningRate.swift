import Foundation
package import LanguageModel

/// The peak learning rate that one dial of sizes needs, where none is asked for.
///
/// The newest rule comes first; what was begun by another goes on by it.
package enum LearningRateRule: Hashable, CaseIterable, Sendable {
  /// Of a model of width C and L layers that is trained for S steps:
  ///
  ///     min(c(S), 0.007 (64 / C) (2 / L) (500 / S)^(1/4)), at least 0.0002
  ///     c(S) = 0.05 (300 / S)^(2/3), between 0.0125 and 0.05
  ///
  /// Chosen on three graphs and held out on a fourth by measurement, for 40 to 2,300 steps and up
  /// to 3 million parameters (experiments/defaults); the floor is what arXiv 2005.14165, table 2.1,
  /// has for 1.3 billion. What starts from a trained model is taken to be at least 2,300 steps
  /// long.
  case shapeAndSteps
  /// 0.005 sqrt(100,000 / N) of N non-embedding parameters, between 0.0002 and 0.0125.
  case parameters
  /// 0.01 sqrt(64 / C), never above 0.0125.
  case width

  /// The peak for a model that is trained for so many steps, from fresh weights unless it
  /// `isContinued`.
  ///
  /// Rates that follow the width by layer begin from that of the base width, by
  /// `peak(modelDimension:)`.
  package func peak(
    of training: TrainingConfiguration, for model: ModelConfiguration, steps: Int = usualSteps,
    isContinued: Bool = false
  ) -> Double {
    guard training.parameterization == .plain else {
      return Self.peak(modelDimension: training.baseWidth)
    }
    switch self {
    case .shapeAndSteps:
      let steps = Double(isContinued ? max(steps, Self.usualSteps) : steps)
      let ceiling = min(0.05, max(Self.ceiling, 0.05 * pow(300 / steps, 2 / 3.0)))
      let shape = (64 / Double(model.modelDimension)) * (2 / Double(model.layerCount))
      return Self.rounded(max(0.0002, min(ceiling, 0.007 * shape * pow(500 / steps, 0.25))))
    case .parameters:
      let count = Double(model.nonEmbeddingParameterCount)
      return max(
        0.0002, Self.rounded(min(Self.ceiling, 0.005 * (100_000 / count).squareRoot())))
    case .width: return Self.peak(modelDimension: model.modelDimension)
    }
  }

  /// The peak for a body of width C that is trained for a few epochs, as full detectors are: 0.01
  /// sqrt(64 / C), never above 0.0125.
  package static func peak(modelDimension: Int) -> Double {
    rounded(min(ceiling, 0.01 * (64 / Double(modelDimension)).squareRoot()))
  }

  /// The length that is assumed where none is known.
  package static let usualSteps = 2_300
  private static let ceiling = 0.0125

  private static func rounded(_ rate: Double) -> Double { (rate * 1e6).rounded() / 1e6 }
}

/// How the learning rate goes on after warm-up.
package enum ScheduleShape: String, Codable, CaseIterable, Sendable {
  /// Falls in half a cosine to the final share.
  case cosine
  /// Falls in a line to the final share.
  case linear
  /// Stays at the peak.
  case constant
  /// Warm-up, stable, decay: stays at the peak, then falls in a line over the last `decay_share` of
  /// the steps.
  case wsd
}

/// Learning rate by step: linear warm-up to the peak, then the shape.
///
/// Of N steps, W warm up: step t < W has (t + 1) / W of the peak. After that p = (t - W) / (N - W)
/// runs from 0 towards 1, which step N, the first after the end, would reach; f is the final share:
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
