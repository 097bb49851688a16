import LabCore

/// Which language model becomes a detector of the kind `full`.
package enum FullDetectorChoice: Hashable, Sendable {
  /// A size of the dial with fresh weights.
  case scratch(size: String)
  /// The judged model's own weights.
  case own
  /// The weights with this hash, of a run that is called so.
  case pretrained(name: String, weightsHash: String)

  /// "full-30k", "full-own", "full-30k-pretrained".
  package var name: String {
    switch self {
    case .scratch(let size): "full-\(size)"
    case .own: "full-own"
    case .pretrained(let name, _): "full-\(name)-pretrained"
    }
  }
}

extension FullDetectorChoice: Codable {
  private enum CodingKeys: String, CodingKey {
    case size, own, pretrained
    case weightsHash = "weights_sha256"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let size = try container.decodeIfPresent(String.self, forKey: .size) {
      self = .scratch(size: size)
    } else if try container.decodeIfPresent(Bool.self, forKey: .own) == true {
      self = .own
    } else {
      self = .pretrained(
        name: try container.decode(String.self, forKey: .pretrained),
        weightsHash: try container.decode(String.self, forKey: .weightsHash))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .scratch(let size): try container.encode(size, forKey: .size)
    case .own: try container.encode(true, forKey: .own)
    case .pretrained(let name, let hash):
      try container.encode(name, forKey: .pretrained)
      try container.encode(hash, forKey: .weightsHash)
    }
  }
}

/// How a language model is fine-tuned to judge.
package struct FullTrainingOptions: Codable, Hashable, Sendable {
  /// Most passes over the training part.
  package var epochs = 10
  /// Passes that may be asked for.
  package static let epochRange = 1...10_000
  /// Answers in a step.
  package var batchSize = 64
  /// Parts a step is cut into; their gradients are summed in order, so this changes the last bits.
  package var lanes = 4
  /// Measurements of the validation loss in each epoch.
  package var validationsPerEpoch = 2
  /// Measurements without improvement after which training stops.
  package var patience = 4
  /// The peak learning rate as a share of what the size would be trained with, from scratch and
  /// from a checkpoint.
  package var scratchRateShare = 0.3
  package var pretrainedRateShare = 0.1
  package var weightDecay = 0.1
  /// The peak learning rate from a checkpoint, in place of a share; nil, and no key, for the share.
  package var pretrainedRate: Double? = 1e-4
  /// Rates that may be asked for.
  package static let rateRange = 1e-9...1.0
  /// Whether the logit reads the log-probability that the detector's own model gives to the answer.
  package var readsLogProbability: Bool {
    get { logProbability ?? false }
    set { logProbability = newValue ? true : nil }
  }
  /// Nil, and no key, where it is not read.
  private var logProbability: Bool? = true
  /// Whether the classes weigh the same in the loss; scores are then probabilities at a prevalence
  /// of one half.
  package var balancesClasses = false

  package init() {}

  /// As before the log-probability was read, with the same keys: the logit is of the state alone,
  /// rates are shares.
  package static let ofStateAlone = {
    var options = FullTrainingOptions()
    options.readStateAlone()
    return options
  }()

  /// Leaves out what reading the log-probability brought.
  package mutating func readStateAlone() {
    readsLogProbability = false
    pretrainedRate = nil
  }

  enum CodingKeys: String, SnakeCaseKey {
    case epochs, lanes, patience, batchSize, validationsPerEpoch, scratchRateShare,
      pretrainedRateShare, pretrainedRate, weightDecay, logProbability
    case balancesClasses = "balanced_classes"
  }

  /// Refuses values that cannot train; throws `LabError` naming the option.
  package func validate() throws {
    func require(_ condition: Bool, _ name: String, _ rule: String) throws {
      guard condition else { throw LabError("\(name) of full detectors must be \(rule)", .usage) }
    }
    try require(Self.epochRange.contains(epochs), "epochs", "between 1 and 10000")
    try require((1...65_536).contains(batchSize), "batch_size", "between 1 and 65536")
    try require((1...256).contains(lanes), "lanes", "between 1 and 256")
    try require((1...1_000).contains(validationsPerEpoch), "validations_per_epoch", "1 to 1000")
    try require(patience >= 1, "patience", "at least 1")
    for share in [scratchRateShare, pretrainedRateShare] {
      try require(share > 0 && share <= 10, "the rate's share", "above 0, at most 10")
    }
    if let pretrainedRate {
      try require(Self.rateRange.contains(pretrainedRate), "rate", "between 1e-09 and 1")
    }
    try require(weightDecay >= 0 && weightDecay < 100, "weight_decay", "at least 0, below 100")
  }
}
