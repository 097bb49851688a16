import CKernels

extension KernelStream {
  /// output (T,N) = input (T,K) weight (N,K)^T, added into output where `accumulate`.
  package func linear(
    _ output: FloatSlice, input: FloatSlice, weight: FloatSlice, rows: Int, inputs: Int,
    outputs: Int,
    accumulate: Bool = false
  ) {
    unsafe ops.linear_forward(
      raw, pointer(output, rows * outputs), pointer(input, rows * inputs),
      pointer(weight, outputs * inputs), rows, inputs, outputs, accumulate ? 1 : 0)
  }

  /// inputGradient (T,K) = outputGradient (T,N) weight (N,K).
  package func linearBackwardInput(
    _ inputGradient: FloatSlice, outputGradient: FloatSlice, weight: FloatSlice, rows: Int,
    inputs: Int, outputs: Int, accumulate: Bool = false
  ) {
    unsafe ops.linear_backward_input(
      raw, pointer(inputGradient, rows * inputs), pointer(outputGradient, rows * outputs),
      pointer(weight, outputs * inputs), rows, inputs, outputs, accumulate ? 1 : 0)
  }

  /// weightGradient (N,K) adds outputGradient (T,N)^T input (T,K).
  package func linearBackwardWeight(
    _ weightGradient: FloatSlice, outputGradient: FloatSlice, input: FloatSlice, rows: Int,
    inputs: Int, outputs: Int
  ) {
    unsafe ops.linear_backward_weight(
      raw, pointer(weightGradient, outputs * inputs), pointer(outputGradient, rows * outputs),
      pointer(input, rows * inputs), rows, inputs, outputs)
  }

  /// output (T,N) adds bias (N) to each row.
  package func addBias(_ output: FloatSlice, bias: FloatSlice, rows: Int, outputs: Int) {
    unsafe ops.bias_forward(
      raw, pointer(output, rows * outputs), pointer(bias, outputs), rows, outputs)
  }

  /// biasGradient (N) adds the column sums of outputGradient (T,N).
  package func addBiasBackward(
    _ biasGradient: FloatSlice, outputGradient: FloatSlice, rows: Int, outputs: Int
  ) {
    unsafe ops.bias_backward(
      raw, pointer(biasGradient, outputs), pointer(outputGradient, rows * outputs), rows, outputs)
  }
}
