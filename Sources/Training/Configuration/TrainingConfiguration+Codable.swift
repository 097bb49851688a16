import Compute
import LanguageModel

/// As JSON, settings that came after the first runs are written only where they differ from what those runs had.
///
/// So the runs made before can be read and continued, and equal settings have equal hashes.
extension TrainingConfiguration: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case epochs, steps, tokens, flops
    case tokensPerStep = "tokens_per_step"
    case lanes, precision, optimizer
    case learningRate = "learning_rate"
    case schedule
    case warmUpShare = "warm_up_share"
    case warmUpSteps = "warm_up_steps"
    case decayShare = "decay_share"
    case finalLearningRateShare = "final_learning_rate_share"
    case beta1, beta2, epsilon
    case weightDecay = "weight_decay"
    case weightDecayMode = "weight_decay_mode"
    case clipNorm = "clip_norm"
    case zLoss = "z_loss"
    case parameterization, alignment
    case baseWidth = "base_width"
  }

  /// Reads a configuration; throws a `DecodingError` when it has no horizon, or two.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      horizon: try Self.horizon(container),
      learningRate: try container.decode(Double.self, forKey: .learningRate))
    func read<Value: Decodable>(_ key: CodingKeys) throws -> Value {
      try container.decode(Value.self, forKey: key)
    }
    func readIfPresent<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
      value = try container.decodeIfPresent(Value.self, forKey: key) ?? value
    }
    tokensPerStep = try read(.tokensPerStep)
    lanes = try read(.lanes)
    precision = try read(.precision)
    warmUpShare = try read(.warmUpShare)
    finalLearningRateShare = try read(.finalLearningRateShare)
    beta1 = try read(.beta1)
    beta2 = try read(.beta2)
    epsilon = try read(.epsilon)
    weightDecay = try read(.weightDecay)
    clipNorm = try read(.clipNorm)
    zLoss = try read(.zLoss)
    try readIfPresent(.optimizer, into: &optimizer)
    try readIfPresent(.schedule, into: &schedule)
    warmUpSteps = try container.decodeIfPresent(Int.self, forKey: .warmUpSteps)
    try readIfPresent(.decayShare, into: &decayShare)
    try readIfPresent(.weightDecayMode, into: &weightDecayMode)
    try readIfPresent(.parameterization, into: &parameterization)
    try readIfPresent(.alignment, into: &alignment)
    try readIfPresent(.baseWidth, into: &baseWidth)
  }

  private static func horizon(_ container: KeyedDecodingContainer<CodingKeys>) throws -> Horizon {
    let found: [Horizon?] = [
      try container.decodeIfPresent(Int.self, forKey: .epochs).map { .epochs($0) },
      try container.decodeIfPresent(Int.self, forKey: .steps).map { .steps($0) },
      try container.decodeIfPresent(Int.self, forKey: .tokens).map { .tokens($0) },
      try container.decodeIfPresent(Double.self, forKey: .flops).map { .flops($0) },
    ]
    let horizons = found.compactMap(\.self)
    guard let horizon = horizons.first, horizons.count == 1 else {
      throw DecodingError.dataCorruptedError(
        forKey: .epochs, in: container,
        debugDescription: "needs exactly one of epochs, steps, tokens and flops")
    }
    return horizon
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch horizon {
    case .epochs(let count), .steps(let count), .tokens(let count):
      try container.encode(count, forKey: horizon.key)
    case .flops(let count): try container.encode(count, forKey: .flops)
    }
    try container.encode(tokensPerStep, forKey: .tokensPerStep)
    try container.encode(lanes, forKey: .lanes)
    try container.encode(precision, forKey: .precision)
    try container.encode(learningRate, forKey: .learningRate)
    try container.encode(warmUpShare, forKey: .warmUpShare)
    try container.encode(finalLearningRateShare, forKey: .finalLearningRateShare)
    try container.encode(beta1, forKey: .beta1)
    try container.encode(beta2, forKey: .beta2)
    try container.encode(epsilon, forKey: .epsilon)
    try container.encode(weightDecay, forKey: .weightDecay)
    try container.encode(clipNorm, forKey: .clipNorm)
    try container.encode(zLoss, forKey: .zLoss)
    try container.encodeIfPresent(warmUpSteps, forKey: .warmUpSteps)
    let usual = TrainingConfiguration(horizon: horizon, learningRate: learningRate)
    func encode<Value: Encodable & Equatable>(
      _ path: KeyPath<TrainingConfiguration, Value>, _ key: CodingKeys
    ) throws {
      guard self[keyPath: path] != usual[keyPath: path] else { return }
      try container.encode(self[keyPath: path], forKey: key)
    }
    try encode(\.optimizer, .optimizer)
    try encode(\.schedule, .schedule)
    try encode(\.decayShare, .decayShare)
    try encode(\.weightDecayMode, .weightDecayMode)
    try encode(\.parameterization, .parameterization)
    try encode(\.alignment, .alignment)
    try encode(\.baseWidth, .baseWidth)
  }
}
