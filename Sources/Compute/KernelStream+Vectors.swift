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

extension KernelStream {
  /// Sets every value to 0.
  package func zero(_ values: FloatSlice) {
    unsafe ops.zero(raw, pointer(values, values.count), values.count)
  }

  /// output = a + b; output may be a or b.
  package func add(_ output: FloatSlice, _ a: FloatSlice, _ b: FloatSlice) {
    let count = output.count
    unsafe ops.add(raw, pointer(output, count), pointer(a, count), pointer(b, count), count)
  }

  /// output[r] = input[rows[r]], for rows of `width` values.
  package func gatherRows(
    _ output: FloatSlice, input: FloatSlice, rows: IntSlice, count: Int, width: Int
  ) {
    unsafe ops.gather_rows(
      raw, pointer(output, count * width), pointer(input, width), pointer(rows, count), count, width
    )
  }

  /// output = the sum of the lanes, added in their order; output may be the first of them.
  package func sumLanes(_ output: FloatSlice, lanes: [FloatSlice]) {
    let count = output.count
    let pointers: [UnsafePointer<Float>?] = unsafe lanes.map {
      unsafe UnsafePointer(pointer($0, count))
    }
    unsafe pointers.withUnsafeBufferPointer { list in
      unsafe ops.sum_lanes(raw, pointer(output, count), list.baseAddress, lanes.count, count)
    }
  }

  /// Sum of squares in double precision, in a fixed order.
  package func sumOfSquares(_ values: FloatSlice) -> Double {
    unsafe ops.sum_of_squares(raw, pointer(values, values.count), values.count)
  }

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
}
