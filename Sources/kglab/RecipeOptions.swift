import ArgumentParser
import Compute
import LanguageModel
import Training

/// How long to train: exactly one of four.
struct HorizonOptions: ParsableArguments {
  @Option(help: "Passes over the training triples.")
  var epochs: Int?

  @Option(help: "Optimiser steps, instead of epochs.")
  var steps: Int?

  @Option(help: "Input tokens, instead of epochs; rounded up to whole steps.")
  var tokens: Int?

  @Option(help: "Floating-point operations, instead of epochs; rounded up to whole steps.")
  var flops: Double?

  private var choices: [Horizon] {
    [
      epochs.map { .epochs($0) }, steps.map { .steps($0) }, tokens.map { .tokens($0) },
      flops.map { .flops($0) },
    ].compactMap(\.self)
  }

  /// The one that was given; `validate` has seen to it that there is one.
  var horizon: Horizon { choices.first ?? .epochs(0) }

  func validate() throws {
    guard choices.count == 1 else {
      throw ValidationError(
        "give exactly one of --epochs, --steps, --tokens and --flops"
          + (choices.isEmpty ? ", such as --epochs 20" : ""))
    }
  }
}

private let usual = TrainingRequest.usual.training

/// The optimiser's options.
struct RecipeOptions: ParsableArguments {
  @Option(help: .of("learning_rate")) var learningRate: Double?
  @Option(help: .of("schedule")) var schedule = usual.schedule
  @Option(help: .of("warm_up_share", "default: \(usual.warmUpShare)")) var warmUpShare: Double?
  @Option(help: .of("warm_up_steps")) var warmUpSteps: Int?
  @Option(help: .of("decay_share")) var decayShare = usual.decayShare
  @Option(help: .of("final_learning_rate_share"))
  var finalLearningRateShare = usual.finalLearningRateShare
  @Option(help: .of("optimizer")) var optimizer = usual.optimizer
  @Option(help: .of("weight_decay")) var weightDecay: Double?
  @Option(help: .of("weight_decay_mode")) var weightDecayMode = usual.weightDecayMode
  @Option(help: .of("clip_norm")) var clipNorm = usual.clipNorm
  @Option(help: .of("z_loss")) var zLoss = usual.zLoss
  @Option(help: .of("parameterization")) var parameterization = usual.parameterization
  @Option(help: .of("alignment")) var alignment = usual.alignment
  @Option(help: .of("base_width")) var baseWidth = usual.baseWidth
  @Option(help: .of("multipliers")) var multipliers = usual.multipliers
  @Option(help: .of("embedding_rate")) var embeddingRate = usual.layerRates.embedding
  @Option(help: .of("hidden_rate")) var hiddenRate = usual.layerRates.hidden
  @Option(help: .of("read_out_rate")) var readOutRate = usual.layerRates.readOut
  @Option(help: .of("epsilon")) var epsilon = usual.epsilon
  @Option(help: .of("epsilon_mode")) var epsilonMode = usual.epsilonMode
  @Option(help: .of("tokens_per_step")) var tokensPerStep = usual.tokensPerStep
  @Option(help: .of("lanes")) var lanes = usual.lanes
  @Flag(help: .of("keep_zeros")) var keepZeros = false
  @Option(help: .of("precision")) var precision = PrecisionChoice.fp32

  func validate() throws {
    guard warmUpShare == nil || warmUpSteps == nil else {
      throw ValidationError("give --warm-up-share or --warm-up-steps, not both")
    }
  }

  func apply(to request: inout TrainingRequest) {
    request.learningRate = learningRate
    request.training.schedule = schedule
    if let warmUpShare { request.training.warmUpShare = warmUpShare }
    request.training.warmUpSteps = warmUpSteps
    request.training.decayShare = decayShare
    request.training.finalLearningRateShare = finalLearningRateShare
    request.training.optimizer = optimizer
    request.weightDecay = weightDecay
    request.training.weightDecayMode = weightDecayMode
    request.training.clipNorm = clipNorm
    request.training.zLoss = zLoss
    request.training.parameterization = parameterization
    request.training.alignment = alignment
    request.training.baseWidth = baseWidth
    request.training.multipliers = multipliers
    request.training.layerRates = LayerRates(
      embedding: embeddingRate, hidden: hiddenRate, readOut: readOutRate)
    request.training.epsilon = epsilon
    request.training.epsilonMode = epsilonMode
    request.training.tokensPerStep = tokensPerStep
    request.training.lanes = lanes
    request.training.keepsZeros = keepZeros
    request.training.precision = precision.resolved()
  }
}

extension ScheduleShape: ExpressibleByArgument {}
extension OptimizerKind: ExpressibleByArgument {}
extension WeightDecayMode: ExpressibleByArgument {}
extension Parameterization: ExpressibleByArgument {}
extension Alignment: ExpressibleByArgument {}
extension Multipliers: ExpressibleByArgument {}
extension EpsilonMode: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension PrecisionChoice: ExpressibleByArgument {}

extension ArgumentHelp {
  /// What `TrainingOption.all` says of the option with this name.
  static func of(_ name: String, _ more: String? = nil) -> ArgumentHelp {
    let help = TrainingOption.all.first { $0.name == name }?.help ?? ""
    return ArgumentHelp(stringLiteral: help + (more.map { " (\($0))" } ?? ""))
  }
}
