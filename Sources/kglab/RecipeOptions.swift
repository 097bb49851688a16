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

/// The optimiser's options.
struct RecipeOptions: ParsableArguments {
  @Option(help: "Peak learning rate; by default a rule in the model's width.")
  var learningRate: Double?

  @Option(help: "How the learning rate goes on after warm-up.")
  var schedule: ScheduleShape = .cosine

  @Option(help: "Share of the steps over which the learning rate rises (default: 0.05).")
  var warmUpShare: Double?

  @Option(help: "Steps over which the learning rate rises, instead of a share.")
  var warmUpSteps: Int?

  @Option(help: "Share of the steps over which the schedule wsd falls (default: 0.2).")
  var decayShare: Double?

  @Option(help: "Learning rate at the end, as a share of the peak (default: 0.05).")
  var finalLearningRateShare: Double?

  @Option(help: "The rule that turns gradients into updates.")
  var optimizer: OptimizerKind = .adamW

  @Option(
    help: "Decoupled weight decay of matrices (default: 0.1, or 1e-4 where it is independent).")
  var weightDecay: Double?

  @Option(
    help: "Whether weight decay is multiplied by the learning rate, or by the schedule alone.")
  var weightDecayMode: WeightDecayMode = .coupledToRate

  @Option(help: "Largest gradient norm; 0 for no clipping.")
  var clipNorm: Double?

  @Option(help: "Weight of logsumexp^2 in the objective.")
  var zLoss: Double?

  @Option(
    help:
      "How initial values and learning rates of each kind of layer follow the width; plain is one rate for all."
  )
  var parameterization: Parameterization = .plain

  @Option(help: "What the learning rates by layer assume of updates and activations.")
  var alignment: Alignment = .full

  @Option(help: "The width at which all parameterisations agree (default: 64).")
  var baseWidth: Int?

  @Option(help: "Tokens of one optimiser step.")
  var tokensPerStep: Int?

  @Option(help: "Parts a step is cut into; changes the last bits of the result.")
  var lanes: Int?

  @Option(help: "Arithmetic of matrix products; auto is bf16 where the processor is faster so.")
  var precision: PrecisionChoice = .fp32

  func validate() throws {
    guard warmUpShare == nil || warmUpSteps == nil else {
      throw ValidationError("give --warm-up-share or --warm-up-steps, not both")
    }
  }

  func apply(to request: inout TrainingRequest) {
    request.learningRate = learningRate
    request.schedule = schedule
    request.warmUpShare = warmUpShare
    request.warmUpSteps = warmUpSteps
    request.decayShare = decayShare
    request.finalLearningRateShare = finalLearningRateShare
    request.optimizer = optimizer
    request.weightDecay = weightDecay
    request.weightDecayMode = weightDecayMode
    request.clipNorm = clipNorm
    request.zLoss = zLoss
    request.parameterization = parameterization
    request.alignment = alignment
    request.baseWidth = baseWidth
    request.tokensPerStep = tokensPerStep
    request.lanes = lanes
    request.precision = precision.resolved()
  }
}

extension ScheduleShape: ExpressibleByArgument {}
extension OptimizerKind: ExpressibleByArgument {}
extension WeightDecayMode: ExpressibleByArgument {}
extension Parameterization: ExpressibleByArgument {}
extension Alignment: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension PrecisionChoice: ExpressibleByArgument {}
