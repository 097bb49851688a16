import Compute
import LanguageModel

extension ResolvedTraining {
  /// The model before the first step: with fresh weights, or those of the run that training starts
  /// from.
  func initialModel() throws -> LanguageModel {
    let configuration = record.configuration
    let training = configuration.training
    // Only kernels that compute with it need it packed.
    let precision = training.engine == .native ? training.precision : .fp32
    if let parent { return try parent.loadModel().inPrecision(precision) }
    return try LanguageModel(
      configuration.model, seed: configuration.initialSeed,
      scaling: training.scaling(width: configuration.model.modelDimension),
      precision: precision, on: .cpu)
  }
}
