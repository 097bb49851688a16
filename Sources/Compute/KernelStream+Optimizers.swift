import CKernels

/// Scalars of one AdamW step (Loshchilov & Hutter 2019).
package struct AdamWScalars: Sendable {
  package var learningRate: Float
  package var beta1: Float
  package var beta2: Float
  package var epsilon: Float
  package var weightDecay: Float
  /// 1 - beta1^t and 1 - beta2^t at step t, counted from 1.
  package var correction1: Float
  package var correction2: Float
  /// Multiplies the gradient first: clipping.
  package var gradientScale: Float

  package init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float,
    correction1: Float, correction2: Float, gradientScale: Float
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.correction1 = correction1
    self.correction2 = correction2
    self.gradientScale = gradientScale
  }
}

/// Scalars of one Adam-atan2 step (Everett 2024, arXiv 2407.05872): update = a atan2(m, b sqrt(v)), no epsilon.
package struct AdamAtan2Scalars: Sendable {
  package var learningRate: Float
  package var beta1: Float
  package var beta2: Float
  /// a, which multiplies the angle.
  package var scale: Float
  /// b, which multiplies the root of the second moment.
  package var ratio: Float
  package var weightDecay: Float
  /// 1 - beta1^t and 1 - beta2^t at step t, counted from 1.
  package var correction1: Float
  package var correction2: Float
  /// Multiplies the gradient first: clipping.
  package var gradientScale: Float

  package init(
    learningRate: Float, beta1: Float, beta2: Float, scale: Float, ratio: Float,
    weightDecay: Float, correction1: Float, correction2: Float, gradientScale: Float
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.scale = scale
    self.ratio = ratio
    self.weightDecay = weightDecay
    self.correction1 = correction1
    self.correction2 = correction2
    self.gradientScale = gradientScale
  }
}

extension KernelStream {
  /// One AdamW step on all values of `parameters`, with moments updated in place.
  package func adamW(
    parameters: FloatSlice, first: FloatSlice, second: FloatSlice, gradient: FloatSlice,
    scalars: AdamWScalars
  ) {
    let count = parameters.count
    let raw = kl_adamw(
      learning_rate: scalars.learningRate, beta1: scalars.beta1, beta2: scalars.beta2,
      epsilon: scalars.epsilon, weight_decay: scalars.weightDecay, correction1: scalars.correction1,
      correction2: scalars.correction2, gradient_scale: scalars.gradientScale)
    unsafe ops.adamw(
      self.raw, pointer(parameters, count), pointer(first, count), pointer(second, count),
      pointer(gradient, count), raw, count)
  }
  /// One Adam-atan2 step on all values of `parameters`, with moments updated in place.
  package func adamAtan2(
    parameters: FloatSlice, first: FloatSlice, second: FloatSlice, gradient: FloatSlice,
    scalars: AdamAtan2Scalars
  ) {
    let count = parameters.count
    let raw = kl_adam_atan2(
      learning_rate: scalars.learningRate, beta1: scalars.beta1, beta2: scalars.beta2,
      scale: scalars.scale, ratio: scalars.ratio, weight_decay: scalars.weightDecay,
      correction1: scalars.correction1, correction2: scalars.correction2,
      gradient_scale: scalars.gradientScale)
    unsafe ops.adam_atan2(
      self.raw, pointer(parameters, count), pointer(first, count), pointer(second, count),
      pointer(gradient, count), raw, count)
  }
}
