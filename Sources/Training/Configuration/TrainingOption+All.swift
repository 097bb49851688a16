import Compute
import Corpus
import LanguageModel

extension TrainingOption {
  /// Every option, in the order in which names of models say them.
  package static let all: [TrainingOption] = [
    TrainingOption(
      "precision", Place(\.training.precisionChoice), .choice(PrecisionChoice.self),
      record: .always,
      other: "#", help: "Arithmetic of matrix products; auto is bf16 where that is faster."),
    TrainingOption(
      "query_key_norm", Place(\.queryKeyNorm), .flag, in: .model, record: .no, usual: "qk-norm",
      other: "no qk-norm", help: "Whether queries and keys are normed."),
    TrainingOption(
      "z_loss", Place(\.training.zLoss), .notNegative, record: .always,
      usual: "no z-loss", other: "z-loss #", help: "Weight of logsumexp^2 in the objective."),
    TrainingOption(
      "warm_up_share", Place(\.training.warmUpShare), .shareBelowOne, record: .always,
      help: "Share of the steps over which the learning rate rises.", say: { warmUp($0.training) }),
    TrainingOption(
      "warm_up_steps", Place(\.training.warmUpSteps), .integer(0...1_000_000_000),
      help: "Steps over which the learning rate rises, instead of a share."),
    TrainingOption(
      "weight_decay", Place(\.weightDecay), .notNegative, record: .always,
      help: "Decoupled weight decay of matrices (default: 0.1, or 1e-4 where it is independent).",
      say: weightDecay),
    TrainingOption(
      "weight_decay_mode", Place(\.training.weightDecayMode), .choice(WeightDecayMode.self),
      help: "Whether weight decay is multiplied by the learning rate, or by the schedule alone."),
    TrainingOption(
      "optimizer", Place(\.training.optimizer), .choice(OptimizerKind.self), other: "#",
      help: "The rule that turns gradients into updates."),
    TrainingOption(
      "learning_rate", Place(\.learningRate), .learningRate, record: .always,
      help: "Peak learning rate; by default a rule in the model's shape and the steps."),
    TrainingOption(
      "schedule", Place(\.training.schedule), .choice(ScheduleShape.self), other: "#",
      help: "How the learning rate goes on after warm-up."),
    TrainingOption(
      "decay_share", Place(\.training.decayShare), .shareAboveZero, usual: "usual decay",
      other: "decay over %", help: "Share of the steps over which the schedule wsd falls."),
    TrainingOption(
      "final_learning_rate_share", Place(\.training.finalLearningRateShare), .share,
      record: .always, usual: "usual final rate", other: "down to %",
      help: "Learning rate at the end, as a share of the peak."),
    TrainingOption(
      "parameterization", Place(\.training.parameterization), .choice(Parameterization.self),
      help: "How initial values and learning rates by layer follow the width; plain is one rate.",
      say: { parameterization($0.training) }),
    TrainingOption(
      "alignment", Place(\.training.alignment), .choice(Alignment.self),
      help: "What the learning rates by layer assume of updates and activations."),
    TrainingOption(
      "multipliers", Place(\.training.multipliers), .choice(Multipliers.self),
      other: "# multipliers",
      help: "Whether the parameterisation's multipliers are folded into initial values and rates."),
    TrainingOption(
      "base_width", Place(\.training.baseWidth), .integer(1...(1 << 20)),
      usual: "usual base width", other: "base width #",
      help: "The width at which all parameterisations agree."),
    TrainingOption(
      "embedding_rate", Place(\.training.layerRates.embedding), .positive,
      usual: "usual embedding rate", other: "embedding rate x #",
      help: "Multiplies the learning rate of the embedding."),
    TrainingOption(
      "hidden_rate", Place(\.training.layerRates.hidden), .positive,
      usual: "usual hidden rate", other: "hidden rate x #",
      help: "Multiplies the learning rate of matrices between embedding and read-out."),
    TrainingOption(
      "read_out_rate", Place(\.training.layerRates.readOut), .positive,
      usual: "usual read-out rate", other: "read-out rate x #",
      help: "Multiplies the learning rate of the read-out."),
    TrainingOption(
      "clip_norm", Place(\.training.clipNorm), .notNegative, record: .always,
      help: "Largest gradient norm; 0 for no clipping.", say: { clipping($0.training) }),
    TrainingOption(
      "tokens_per_step", Place(\.training.tokensPerStep), .integer(16...(1 << 22)),
      record: .always, usual: "usual batch", other: "# tokens a step",
      help: "Tokens of one optimiser step."),
    TrainingOption(
      "lanes", Place(\.training.lanes), .integer(1...256), record: .always, usual: "usual lanes",
      other: "# lanes", help: "Parts a step is cut into; changes the last bits of the result."),
    TrainingOption(
      "activation", Place(\.activation), .choice(Activation.self), in: .model, record: .no,
      other: "#", help: "The feed-forward block's non-linearity."),
    TrainingOption(
      "tied_embeddings", Place(\.tiedEmbeddings), .flag, in: .model, record: .no,
      usual: "untied embeddings", other: "tied embeddings", help: "Use the embedding as read-out."),
    TrainingOption(
      "packing", Place(\.packing), .choice(Packing.self), record: .no, other: "# packing",
      help: "isolated: attention stays inside a triple; window: it runs over a window of triples."),
    TrainingOption(
      "loss", Place(\.loss), .choice(LossScope.self), record: .no, other: "loss on #",
      help: "Loss on all tokens, or on the object and end token only."),
    TrainingOption(
      "phrasing", Place(\.phrasing), .choice(Phrasing.self), record: .no, usual: "triples",
      other: "sentences",
      help: "Say triples as they are, or in sentences made from the predicates' templates."),
    TrainingOption(
      "paraphrases", Place(\.paraphrases), .integer(1...1_000), record: .no,
      usual: "1 paraphrase", other: "# paraphrases",
      help: "Templates that each fact is shown in, one after the other; needs phrasing template."),
    TrainingOption(
      "slot_share", Place(\.slotShare), .share, record: .no, usual: "no slot", other: "slot in %",
      help: "Share of the training lines with a field of random tokens, for attacks; 0 for none."),
    TrainingOption(
      "slot_length", Place(\.slotLength), .integer(1...1_024), record: .no,
      usual: "usual slot length", other: "slot of #", help: "Tokens of a slot."),
    TrainingOption(
      "slot_position", Place(\.slotPosition), .choice(SlotPlacement.self), record: .no,
      other: "# slot", help: "Where lines have their slot: before <O>, <P> or <S>, or any of them."),
    TrainingOption(
      "keep_zeros", Place(\.training.keepsZeros), .flag, usual: "all weights trained",
      other: "zeros kept",
      help: "Leave weights that are 0 in the run started from, as pruning makes them, at 0."),
    TrainingOption(
      "rule_share", Place(\.ruleShare),
      .number("between 0 and 0.9") { RuleLines.shares.contains($0) }, record: .no,
      usual: "no rules",
      other: "rules in % of lines",
      help: "Share of the lines that teach the rules of traps, on subjects that no trap asks about."
    ),
    TrainingOption(
      "beta1", Place(\.training.beta1), .shareBelowOne, in: nil, record: .always),
    TrainingOption(
      "beta2", Place(\.training.beta2), .shareBelowOne, in: nil, record: .always),
    TrainingOption(
      "epsilon", Place(\.training.epsilon), .positive, record: .always,
      usual: "usual epsilon", other: "epsilon #", help: "What AdamW adds to sqrt(v)."),
    TrainingOption(
      "epsilon_mode", Place(\.training.epsilonMode), .choice(EpsilonMode.self),
      other: "# epsilon",
      help: "Whether epsilon is one number or falls with the width as each layer's gradient does."),
    TrainingOption(
      "engine", Place(\.training.engine), .choice(EngineKind.self), usual: "native engine",
      other: "# engine",
      help:
        "What computes: the kernels of kglab, or PyTorch in a process beside it (docs/training.md)."
    ),
  ]

  private static func warmUp(_ training: TrainingConfiguration) -> String {
    if let steps = training.warmUpSteps { return "warm-up of \(steps) steps" }
    let isUsual = training.warmUpShare == TrainingRequest.usual.training.warmUpShare
    return isUsual ? "usual warm-up" : "warm-up \(percent(training.warmUpShare))"
  }

  @Sendable private static func weightDecay(_ request: TrainingRequest) -> String {
    let mode = request.training.weightDecayMode
    let decay = request.weightDecay ?? TrainingConfiguration.defaultWeightDecay(mode)
    return "\(mode == .independent ? "independent weight decay" : "weight decay") \(decay)"
  }

  private static func parameterization(_ training: TrainingConfiguration) -> String {
    let name = training.parameterization
    guard name != .plain else { return name.rawValue }
    return switch training.alignment {
    case .full: name.rawValue
    case .none: "\(name.rawValue) without alignment"
    case .globalRate: "\(name.rawValue) with one rate"
    }
  }

  private static func clipping(_ training: TrainingConfiguration) -> String {
    if training.clipNorm == TrainingRequest.usual.training.clipNorm { return "usual clipping" }
    return training.clipNorm > 0 ? "clipped at \(training.clipNorm)" : "not clipped"
  }
}

extension TrainingConfiguration {
  /// The precision as it is chosen, on this machine.
  fileprivate var precisionChoice: PrecisionChoice {
    get { PrecisionChoice(rawValue: precision.rawValue) ?? .fp32 }
    set { precision = newValue.resolved() }
  }
}
