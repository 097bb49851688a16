import CKernels

extension KernelStream {
  /// Turns logits (T,V) into their gradient and writes losses (T) in nats; see `cross_entropy`.
  package func crossEntropy(
    losses: FloatSlice, logits: FloatSlice, targets: IntSlice, scale: Float, zLoss: Float,
    rows: Int,
    vocabulary: Int
  ) {
    unsafe ops.cross_entropy(
      raw, pointer(losses, rows), pointer(logits, rows * vocabulary), pointer(targets, rows), scale,
      zLoss, rows, vocabulary)
  }

  /// output (T) = log softmax(logits * inverseTemperature) at the targets; 0 where a target is
  /// negative.
  ///
  /// Value t is of row `logitRows[t]` of `logits`, by default row t; neighbours of one row share
  /// its softmax.
  package func logProbability(
    _ output: FloatSlice, logits: FloatSlice, logitRows: IntSlice? = nil, targets: IntSlice,
    inverseTemperature: Float, rows: Int, vocabulary: Int
  ) {
    unsafe ops.log_probability(
      raw, pointer(output, rows),
      pointer(logits, logitRows == nil ? rows * vocabulary : vocabulary),
      optionalPointer(logitRows, rows), pointer(targets, rows), inverseTemperature, rows, vocabulary
    )
  }

  /// Entropy in nats and largest probability of each row of softmax(logits).
  package func softmaxSummary(
    entropy: FloatSlice, maximumProbability: FloatSlice, logits: FloatSlice, rows: Int,
    vocabulary: Int
  ) {
    unsafe ops.softmax_summary(
      raw, pointer(entropy, rows), pointer(maximumProbability, rows),
      pointer(logits, rows * vocabulary), rows, vocabulary)
  }

  /// One draw a row from softmax(logits * inverseTemperature); infinity takes the largest logit.
  ///
  /// Draw t is from row `logitRows[t]` of `logits`, by default row t; neighbours of one row share
  /// its softmax.
  package func sample(
    tokens: IntSlice, logProbability: FloatSlice, logits: FloatSlice, logitRows: IntSlice? = nil,
    uniforms: FloatSlice, inverseTemperature: Float, rows: Int, vocabulary: Int
  ) {
    unsafe ops.sample(
      raw, pointer(tokens, rows), pointer(logProbability, rows),
      pointer(logits, logitRows == nil ? rows * vocabulary : vocabulary),
      optionalPointer(logitRows, rows), pointer(uniforms, rows), inverseTemperature, rows,
      vocabulary)
  }
}
