import CKernels

extension KernelStream {
  /// output (T,C) = the rows of table (V,C) named by ids (T), each from 0 and below V.
  package func embedding(
    _ output: FloatSlice, ids: IntSlice, table: FloatSlice, rows: Int, columns: Int
  ) {
    let vocabulary = 0..<Int32(table.count / max(columns, 1))
    precondition(
      ids.prefix(rows).copyOut().allSatisfy(vocabulary.contains), "a token is in no vocabulary")
    unsafe ops.embedding_forward(
      raw, pointer(output, rows * columns), pointer(ids, rows), pointer(table, columns), rows,
      columns)
  }

  /// tableGradient (V,C) adds the rows of outputGradient (T,C).
  package func embeddingBackward(
    _ tableGradient: FloatSlice, ids: IntSlice, outputGradient: FloatSlice, rows: Int, columns: Int
  ) {
    unsafe ops.embedding_backward(
      raw, pointer(tableGradient, columns), pointer(ids, rows),
      pointer(outputGradient, rows * columns), rows, columns)
  }

  /// sum = input + delta; output = sum * rstd * weight with rstd = 1 / sqrt(mean(sum^2) + epsilon).
  package func rmsNorm(
    _ output: FloatSlice, sum: FloatSlice?, rstd: FloatSlice, input: FloatSlice, delta: FloatSlice?,
    weight: FloatSlice, epsilon: Float, rows: Int, columns: Int
  ) {
    let count = rows * columns
    unsafe ops.rms_norm_forward(
      raw, pointer(output, count), optionalPointer(sum, count), pointer(rstd, rows),
      pointer(input, count),
      optionalPointer(delta, count), pointer(weight, columns), epsilon, rows, columns)
  }

  /// sumGradient (T,C) and weightGradient (C) add their parts.
  package func rmsNormBackward(
    sumGradient: FloatSlice, weightGradient: FloatSlice, outputGradient: FloatSlice,
    sum: FloatSlice, rstd: FloatSlice, weight: FloatSlice, rows: Int, columns: Int
  ) {
    let count = rows * columns
    unsafe ops.rms_norm_backward(
      raw, pointer(sumGradient, count), pointer(weightGradient, columns),
      pointer(outputGradient, count), pointer(sum, count), pointer(rstd, rows),
      pointer(weight, columns), rows, columns)
  }

  /// output (T,FF) = silu(gate) * up, with gateUp (T,2*FF) holding gate, then up.
  package func swiGLU(_ output: FloatSlice, gateUp: FloatSlice, rows: Int, columns: Int) {
    unsafe ops.swiglu_forward(
      raw, pointer(output, rows * columns), pointer(gateUp, 2 * rows * columns), rows, columns)
  }

  /// gateUpGradient (T,2*FF) from outputGradient (T,FF).
  package func swiGLUBackward(
    _ gateUpGradient: FloatSlice, outputGradient: FloatSlice, gateUp: FloatSlice, rows: Int,
    columns: Int
  ) {
    unsafe ops.swiglu_backward(
      raw, pointer(gateUpGradient, 2 * rows * columns), pointer(outputGradient, rows * columns),
      pointer(gateUp, 2 * rows * columns), rows, columns)
  }

  /// GELU in its tanh form over `count` values.
  package func gelu(_ output: FloatSlice, input: FloatSlice, count: Int) {
    unsafe ops.gelu_forward(raw, pointer(output, count), pointer(input, count), count)
  }

  /// The gradient of `gelu`.
  package func geluBackward(
    _ inputGradient: FloatSlice, outputGradient: FloatSlice, input: FloatSlice, count: Int
  ) {
    unsafe ops.gelu_backward(
      raw, pointer(inputGradient, count), pointer(outputGradient, count), pointer(input, count),
      count)
  }

  /// max(0, x) over `count` values.
  package func relu(_ output: FloatSlice, input: FloatSlice, count: Int) {
    unsafe ops.relu_forward(raw, pointer(output, count), pointer(input, count), count)
  }

  /// The gradient of `relu`.
  package func reluBackward(
    _ inputGradient: FloatSlice, outputGradient: FloatSlice, input: FloatSlice, count: Int
  ) {
    unsafe ops.relu_backward(
      raw, pointer(inputGradient, count), pointer(outputGradient, count), pointer(input, count),
      count)
  }
}
