package import Compute
import LabCore
package import LanguageModel

/// The rule that turns gradients into updates.
package enum OptimizerKind: String, Codable, CaseIterable, Sendable {
  case adamW = "adamw"
  /// Adam without epsilon: the update is 1.27 atan2(m, sqrt(v)) (Everett 2024, arXiv 2407.05872).
  case adamAtan2 = "adam-atan2"
  /// Gradient descent with momentum: m <- beta1 m + g, and m is the update.
  case sgd
  /// Adafactor with parameter scaling and without momentum (Shazeer & Stern 2018, arXiv 1804.04235,
  /// algorithm 4).
  case adafactor

  /// What its updates' size follows.
  package var family: UpdateFamily {
    switch self {
    case .adamW, .adamAtan2: .adam
    case .sgd: .sgd
    case .adafactor: .adafactor
    }
  }
}

/// How AdamW's epsilon follows the width.
package enum EpsilonMode: String, Codable, CaseIterable, Sendable {
  case constant
  /// It is that of the base width times the layer's gradient, by its exponent at the start.
  case perLayer = "per-layer"
}

/// What multiplies the learning rate of each kind of layer, besides the parameterisation.
package struct LayerRates: Hashable, Sendable {
  package var embedding = 1.0
  package var hidden = 1.0
  package var readOut = 1.0

  package init(embedding: Double = 1, hidden: Double = 1, readOut: Double = 1) {
    self.embedding = embedding
    self.hidden = hidden
    self.readOut = readOut
  }

  /// That of a tensor; gains have none.
  func factor(_ role: ParameterTensor.Role) -> Double {
    switch role {
    case .embedding: embedding
    case .input, .output: hidden
    case .readOut: readOut
    case .norm: 1
    }
  }
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
  package var tokensPerStep = 2048
  /// Parts a step is cut into; gradients are summed in their order, so this changes the last bits.
  package var lanes = 4
  package var precision = Precision.fp32
  package var engine = EngineKind.native
  package var optimizer = OptimizerKind.adamW
  /// Peak learning rate; that at the base width where learning rates follow the width by layer.
  package var learningRate: Double
  package var schedule = ScheduleShape.cosine
  /// Share of the steps over which the learning rate rises from 0.
  package var warmUpShare = 0.05
  /// Steps over which it rises, instead of the share; nil where the share holds.
  package var warmUpSteps: Int?
  /// Share of the steps over which the schedule `wsd` falls at the end.
  package var decayShare = 0.2
  /// Learning rate at the end of the schedule, as a share of the peak.
  package var finalLearningRateShare = 0.05
  package var beta1 = 0.9
  package var beta2 = 0.95
  /// For AdamW only.
  package var epsilon = Self.defaultEpsilon
  package var epsilonMode = EpsilonMode.constant
  /// Decoupled decay of matrices; `weightDecayMode` says what multiplies it.
  package var weightDecay = Self.defaultWeightDecay(.coupledToRate)
  package var weightDecayMode = WeightDecayMode.coupledToRate
  /// Largest norm of the gradient; larger ones are scaled down to it, and 0 switches clipping off.
  package var clipNorm = 1.0
  /// Weight of logsumexp^2 in the objective.
  package var zLoss = 0.0
  /// Whether weights that are 0 at the start, as pruning leaves them, stay so.
  package var keepsZeros = false
  package var parameterization = Parameterization.plain
  package var alignment = Alignment.full
  /// The width at which the parameterisation agrees with `plain`.
  package var baseWidth = 64
  package var multipliers = Multipliers.folded
  package var layerRates = LayerRates()

  private static let defaultEpsilon = 1e-8

  /// The lab's defaults for a horizon and a peak learning rate.
  package init(horizon: Horizon, learningRate: Double) {
    self.horizon = horizon
    self.learningRate = learningRate
  }

  /// The lab's defaults for a number of epochs.
  package init(epochs: Int, learningRate: Double) {
    self.init(horizon: .epochs(epochs), learningRate: learningRate)
  }

  /// Weight decay where none is given: 0.1, and 1e-4 where no learning rate multiplies it.
  package static func defaultWeightDecay(_ mode: WeightDecayMode) -> Double {
    mode == .coupledToRate ? 0.1 : 1e-4
  }

  /// The parameterisation at a width.
  package func scaling(width: Int) -> WidthScaling {
    WidthScaling(
      parameterization, alignment: alignment, family: optimizer.family, multipliers: multipliers,
      baseWidth: baseWidth, width: width)
  }

  /// Refuses values that cannot train; throws `LabError` naming the field.
  package func validate() throws {
    try horizon.validate()
    let request = TrainingRequest(self)
    for option in TrainingOption.all { try option.check(request) }
    guard optimizer == .adamW || (epsilon == Self.defaultEpsilon && epsilonMode == .constant) else {
      throw LabError(
        "epsilon is AdamW's, and optimizer is \(optimizer.rawValue); leave out epsilon and epsilon_mode, or take "
          + "the optimizer adamw", .usage)
    }
    guard engine == .native || lanes == TrainingRequest.usual.training.lanes else {
      throw LabError(
        "lanes (--lanes) cut the steps of the native engine; leave them out with the engine torch, whose processes share a "
          + "step", .usage)
    }
    guard weightDecayMode == .coupledToRate || weightDecay < 1 else {
      throw LabError(
        "weight_decay is \(weightDecay); it must be below 1 where it is independent of the learning rate "
          + "(1e-4 is usual)", .usage)
    }
  }

  /// Refuses a model that cannot be trained so; throws `LabError` with the reason.
  package func validate(_ model: ModelConfiguration) throws {
    try validate()
    try scaling(width: model.modelDimension).validate(model)
    guard layerRates.readOut == 1 || !model.tiedEmbeddings else {
      throw LabError(
        "read_out_rate is \(layerRates.readOut), and tied embeddings have no read-out of their own; leave one out",
        .usage)
    }
  }
}
