package import Compute
import LabCore
package import LanguageModel

/// The rule that turns gradients into updates.
package enum OptimizerKind: String, Codable, CaseIterable, Sendable {
  case adamW = "adamw"
  /// Adam without epsilon: the update is 1.27 atan2(m, sqrt(v)) (Everett 2024, arXiv 2407.05872).
  case adamAtan2 = "adam-atan2"
}

/// What weight decay is multiplied by at each step.
package enum WeightDecayMode: String, Codable, CaseIterable, Sendable {
  /// The learning rate, as in AdamW of every library.
  case coupledToRate = "coupled-to-rate"
  /// The schedule's share of the peak alone (Wortsman 2023, arXiv 2309.14322).
  case independent
}

/// How a model is trained: everything that changes the resulting weights, except data and shape.
package struct TrainingConfiguration: Hashable, Sendable {
  package var horizon: Horizon
  /// Inputs of one optimiser step, nearly.
  package var tokensPerStep: Int
  /// Parts a step is cut into; gradients are summed in their order, so this changes the last bits.
  package var lanes: Int
  package var precision: Precision
  package var optimizer: OptimizerKind
  /// Peak learning rate; that at the base width where learning rates follow the width by layer.
  package var learningRate: Double
  package var schedule: ScheduleShape
  /// Share of the steps over which the learning rate rises from 0.
  package var warmUpShare: Double
  /// Steps over which it rises, instead of the share; nil where the share holds.
  package var warmUpSteps: Int?
  /// Share of the steps over which the schedule `wsd` falls at the end.
  package var decayShare: Double
  /// Learning rate at the end of the schedule, as a share of the peak.
  package var finalLearningRateShare: Double
  package var beta1: Double
  package var beta2: Double
  /// For AdamW only.
  package var epsilon: Double
  /// Decoupled decay of matrices; `weightDecayMode` says what multiplies it.
  package var weightDecay: Double
  package var weightDecayMode: WeightDecayMode
  /// Largest norm of the gradient; larger ones are scaled down to it, and 0 switches clipping off.
  package var clipNorm: Double
  /// Weight of logsumexp^2 in the objective.
  package var zLoss: Double
  package var parameterization: Parameterization
  package var alignment: Alignment
  /// The width at which the parameterisation agrees with `plain`.
  package var baseWidth: Int

  /// The lab's defaults for a horizon and a peak learning rate.
  package init(horizon: Horizon, learningRate: Double) {
    self.horizon = horizon
    self.learningRate = learningRate
    tokensPerStep = 2048
    lanes = 4
    precision = .fp32
    optimizer = .adamW
    schedule = .cosine
    warmUpShare = 0.05
    decayShare = 0.2
    finalLearningRateShare = 0.05
    beta1 = 0.9
    beta2 = 0.95
    epsilon = 1e-8
    weightDecay = Self.defaultWeightDecay(.coupledToRate)
    weightDecayMode = .coupledToRate
    clipNorm = 1
    zLoss = 0
    parameterization = .plain
    alignment = .full
    baseWidth = Self.defaultBaseWidth
  }

  /// The lab's defaults for a number of epochs.
  package init(epochs: Int, learningRate: Double) {
    self.init(horizon: .epochs(epochs), learningRate: learningRate)
  }

  /// The width at which parameterisations agree, unless another is given.
  package static let defaultBaseWidth = 64

  /// Weight decay where none is given: 0.1, and 1e-4 where no learning rate multiplies it.
  package static func defaultWeightDecay(_ mode: WeightDecayMode) -> Double {
    mode == .coupledToRate ? 0.1 : 1e-4
  }

  /// The parameterisation at a width.
  package func scaling(width: Int) -> WidthScaling {
    WidthScaling(
      parameterization, alignment: alignment, baseWidth: baseWidth, width: width)
  }

  /// Refuses values that cannot train; throws `LabError` naming the field.
  package func validate() throws {
    func require(_ condition: Bool, _ name: String, _ value: Any, _ rule: String) throws {
      guard condition else { throw LabError("\(name) is \(value); it must be \(rule)", .usage) }
    }
    try validateHorizon(require)
    try require(
      tokensPerStep >= 16 && tokensPerStep <= 1 << 22, "tokens_per_step", tokensPerStep,
      "between 16 and \(1 << 22)")
    try require(lanes >= 1 && lanes <= 256, "lanes", lanes, "between 1 and 256")
    try require(
      learningRate > 0 && learningRate <= 10, "learning_rate", learningRate, "above 0, at most 10")
    try require(
      (0..<1).contains(warmUpShare), "warm_up_share", warmUpShare, "at least 0 and below 1")
    try require((warmUpSteps ?? 0) >= 0, "warm_up_steps", warmUpSteps ?? 0, "at least 0")
    try require(decayShare > 0 && decayShare <= 1, "decay_share", decayShare, "above 0, at most 1")
    try require(
      (0...1).contains(finalLearningRateShare), "final_learning_rate_share",
      finalLearningRateShare, "between 0 and 1")
    try require((0..<1).contains(beta1), "beta1", beta1, "at least 0 and below 1")
    try require((0..<1).contains(beta2), "beta2", beta2, "at least 0 and below 1")
    try require(epsilon > 0 && epsilon.isFinite, "epsilon", epsilon, "above 0 and finite")
    try require(
      weightDecay >= 0 && weightDecay.isFinite, "weight_decay", weightDecay,
      "at least 0 and finite")
    try require(
      weightDecayMode == .coupledToRate || weightDecay < 1, "weight_decay", weightDecay,
      "below 1 where it is independent of the learning rate (1e-4 is usual)")
    try require(
      clipNorm >= 0 && clipNorm.isFinite, "clip_norm", clipNorm, "at least 0 and finite")
    try require(zLoss >= 0 && zLoss.isFinite, "z_loss", zLoss, "at least 0 and finite")
    try require(
      (1...1 << 20).contains(baseWidth), "base_width", baseWidth, "between 1 and \(1 << 20)")
  }

  private func validateHorizon(
    _ require: (Bool, String, Any, String) throws -> Void
  ) throws {
    switch horizon {
    case .epochs(let count):
      try require((1...1_000_000).contains(count), "epochs", count, "between 1 and 1000000")
    case .steps(let count):
      try require((1...1_000_000_000).contains(count), "steps", count, "between 1 and 1000000000")
    case .tokens(let count):
      try require(count >= 1, "tokens", count, "at least 1")
    case .flops(let count):
      try require(count > 0 && count.isFinite, "flops", count, "above 0 and finite")
    }
  }
}
