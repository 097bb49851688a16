package import Compute
import LabCore

/// How a model is trained: everything that changes the resulting weights, except data and shape.
package struct TrainingConfiguration: Codable, Hashable, Sendable {
  /// Passes over the training triples.
  package var epochs: Int
  /// Inputs of one optimiser step, nearly.
  package var tokensPerStep: Int
  /// Parts a step is cut into; gradients are summed in their order, so this changes the last bits.
  package var lanes: Int
  package var precision: Precision
  /// Peak learning rate.
  package var learningRate: Double
  /// Share of the steps over which the learning rate rises from 0.
  package var warmUpShare: Double
  /// Learning rate at the end of the cosine, as a share of the peak.
  package var finalLearningRateShare: Double
  package var beta1: Double
  package var beta2: Double
  package var epsilon: Double
  /// Decoupled decay of matrices, multiplied by the learning rate.
  package var weightDecay: Double
  /// Largest norm of the gradient; larger ones are scaled down to it, and 0 switches clipping off.
  package var clipNorm: Double
  /// Weight of logsumexp^2 in the objective.
  package var zLoss: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case epochs
    case tokensPerStep = "tokens_per_step"
    case lanes
    case precision
    case learningRate = "learning_rate"
    case warmUpShare = "warm_up_share"
    case finalLearningRateShare = "final_learning_rate_share"
    case beta1, beta2, epsilon
    case weightDecay = "weight_decay"
    case clipNorm = "clip_norm"
    case zLoss = "z_loss"
  }

  /// The lab's defaults for a peak learning rate.
  package init(epochs: Int, learningRate: Double) {
    self.epochs = epochs
    self.learningRate = learningRate
    tokensPerStep = 2048
    lanes = 4
    precision = .fp32
    warmUpShare = 0.05
    finalLearningRateShare = 0.05
    beta1 = 0.9
    beta2 = 0.95
    epsilon = 1e-8
    weightDecay = 0.1
    clipNorm = 1
    zLoss = 0
  }

  /// Refuses values that cannot train; throws `LabError` naming the field.
  package func validate() throws {
    func require(_ condition: Bool, _ name: String, _ value: Any, _ rule: String) throws {
      guard condition else { throw LabError("\(name) is \(value); it must be \(rule)", .usage) }
    }
    try require(epochs >= 1 && epochs <= 1_000_000, "epochs", epochs, "between 1 and 1000000")
    try require(
      tokensPerStep >= 16 && tokensPerStep <= 1 << 22, "tokens_per_step", tokensPerStep,
      "between 16 and \(1 << 22)")
    try require(lanes >= 1 && lanes <= 256, "lanes", lanes, "between 1 and 256")
    try require(
      learningRate > 0 && learningRate <= 10, "learning_rate", learningRate, "above 0, at most 10")
    try require(
      (0..<1).contains(warmUpShare), "warm_up_share", warmUpShare, "at least 0 and below 1")
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
      clipNorm >= 0 && clipNorm.isFinite, "clip_norm", clipNorm, "at least 0 and finite")
    try require(zLoss >= 0 && zLoss.isFinite, "z_loss", zLoss, "at least 0 and finite")
  }
}
