import CKernels

/// Scalars of one step of Adam with decoupled weight decay.
package struct AdamScalars: Sendable {
  /// What an update is made of, given moments m and v.
  package enum Rule: Sendable {
    /// m / (sqrt(v) + epsilon) (Loshchilov & Hutter 2019).
    case adamW(epsilon: Float)
    /// scale atan2(m, ratio sqrt(v)), with no epsilon (Everett 2024, arXiv 2407.05872).
    case atan2(scale: Float, ratio: Float)
  }

  package var rule: Rule
  package var learningRate: Float
  package var beta1: Float
  package var beta2: Float
  package var weightDecay: Float
  /// 1 - beta1^t and 1 - beta2^t at step t, counted from 1.
  package var correction1: Float
  package var correction2: Float
  /// Multiplies the gradient first: clipping.
  package var gradientScale: Float

  package init(
    _ rule: Rule, learningRate: Float, beta1: Float, beta2: Float, weightDecay: Float,
    correction1: Float, correction2: Float, gradientScale: Float
  ) {
    self.rule = rule
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.weightDecay = weightDecay
    self.correction1 = correction1
    self.correction2 = correction2
    self.gradientScale = gradientScale
  }
}

extension KernelStream {
  /// One step of Adam on all values of `parameters`, with moments updated in place.
  package func adam(
    parameters: FloatSlice, first: FloatSlice, second: FloatSlice, gradient: FloatSlice,
    scalars: AdamScalars
  ) {
    let count = parameters.count
    switch scalars.rule {
    case .adamW(let epsilon):
      let raw = kl_adamw(
        learning_rate: scalars.learningRate, beta1: scalars.beta1, beta2: scalars.beta2,
        epsilon: epsilon, weight_decay: scalars.weightDecay, correction1: scalars.correction1,
        correction2: scalars.correction2, gradient_scale: scalars.gradientScale)
      unsafe ops.adamw(
        self.raw, pointer(parameters, count), pointer(first, count), pointer(second, count),
        pointer(gradient, count), raw, count)
    case .atan2(let scale, let ratio):
      let raw = kl_adam_atan2(
        learning_rate: scalars.learningRate, beta1: scalars.beta1, beta2: scalars.beta2,
        scale: scale, ratio: ratio, weight_decay: scalars.weightDecay,
        correction1: scalars.correction1, correction2: scalars.correction2,
        gradient_scale: scalars.gradientScale)
      unsafe ops.adam_atan2(
        self.raw, pointer(parameters, count), pointer(first, count), pointer(second, count),
        pointer(gradient, count), raw, count)
    }
  }
}
