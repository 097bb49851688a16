import Compute
import LabCore
package import LanguageModel

/// What a probed step says of the training's stability, before its update; matrices are under the
/// names of tensors.
package struct StepProbe: Codable, Hashable, Sendable {
  /// How far each matrix lines up with what it reads: 1/2 for not at all, 1 for wholly
  /// (`AlignmentRatio`).
  package var alignment: [String: Double]
  /// How what changed since the start of the training lines up, for the same matrices; nil at the
  /// first step and in logs of older runs.
  package var updateAlignment: [String: UpdateAlignment]?
  /// The largest attention logit of each layer, from the first; nil where it is not finite.
  package var largestAttentionLogits: [Double?]
  /// Mean of the output logits over tokens and vocabulary; nil where it is not finite.
  package var meanOutputLogit: Double?
  /// Root mean square of each tensor's gradient, as the optimiser sees it but for clipping.
  package var gradientRMS: [String: Double]
  /// What AdamW adds to the root of such squares, for each tensor; nil for optimisers without.
  package var epsilon: [String: Double]?

  enum CodingKeys: String, SnakeCaseKey {
    case alignment, epsilon, updateAlignment, gradientRMS
    case largestAttentionLogits = "attention_logit_max"
    case meanOutputLogit = "output_logit_mean"
  }

  /// Of a model whose step has its gradient.
  init(_ model: ModelProbe, _ step: TrainingStep, _ training: TrainingConfiguration) {
    func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
    alignment = model.alignment
    updateAlignment = model.updateAlignment.isEmpty ? nil : model.updateAlignment
    largestAttentionLogits = model.largestAttentionLogits.map(finite)
    meanOutputLogit = finite(model.meanOutputLogit)
    let layout = step.layout
    let scaling = training.scaling(width: layout.configuration.modelDimension)
    gradientRMS = [:]
    var epsilons: [String: Double] = [:]
    for tensor in layout.tensors {
      let stretch = Optimizer.Stretch(tensor, scaling, training)
      let values = step.gradient.slice(tensor.offset, tensor.count).copyOut()
      gradientRMS[tensor.name] = stretch.multiplier * AlignmentRatio.rootMeanSquare(values)
      epsilons[tensor.name] = training.epsilon * stretch.epsilonFactor
    }
    epsilon = training.optimizer == .adamW ? epsilons : nil
  }
}
