import CKernels

extension KernelStream {
  /// Brings a matrix's packed form up to date with its values; nothing where there is none.
  package func pack(_ weight: WeightMatrix) {
    guard let packed = weight.packed else { return }
    unsafe ops.pack_weight(
      raw, pointer(packed, packed.count), pointer(weight.values, weight.values.count),
      weight.inputs,
      weight.outputs)
  }

  /// output (T,N) = input (T,K) weight (N,K)^T.
  package func linear(
    _ output: FloatSlice, input: FloatSlice, weight: WeightMatrix, rows: Int
  ) {
    unsafe ops.linear_forward(
      raw, pointer(output, rows * weight.outputs), pointer(input, rows * weight.inputs),
      pointer(weight.values, weight.values.count), optionalPointer(weight.packed, 0), rows,
      weight.inputs, weight.outputs, 0)
  }

  /// inputGradient (T,K) = outputGradient (T,N) weight (N,K).
  package func linearBackwardInput(
    _ inputGradient: FloatSlice, outputGradient: FloatSlice, weight: WeightMatrix, rows: Int
  ) {
    unsafe ops.linear_backward_input(
      raw, pointer(inputGradient, rows * weight.inputs),
      pointer(outputGradient, rows * weight.outputs), pointer(weight.values, weight.values.count),
      optionalPointer(weight.packed, 0), rows, weight.inputs, weight.outputs, 0)
  }

  /// weightGradient (N,K) adds outputGradient (T,N)^T input (T,K).
  package func linearBackwardWeight(
    _ weightGradient: WeightMatrix, outputGradient: FloatSlice, input: FloatSlice, rows: Int
  ) {
    unsafe ops.linear_backward_weight(
      raw, pointer(weightGradient.values, weightGradient.values.count),
      pointer(outputGradient, rows * weightGradient.outputs),
      pointer(input, rows * weightGradient.inputs), rows, weightGradient.inputs,
      weightGradient.outputs)
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
