import Compute

/// Number of rows and sequences of the micro-batch at hand.
struct BatchExtent: Sendable {
  let rows: Int
  let sequences: Int
  /// Where each sequence is a tree: for each row the end of the rows that see it, see `TextTree`.
  var treeEnds: IntSlice?
  /// The only rows, ascending, whose state after the last layer is wanted; all by default.
  var wanted: IntSlice?

  /// Rows after the last layer.
  var outputRows: Int { wanted?.count ?? rows }
}

extension LanguageModel {
  /// Runs the transformer from tokens to the final norm; logits are left to the caller.
  ///
  /// One pass of pre-norm blocks: x += attention(norm(x)), then x += feedForward(norm(x)). Each
  /// residual addition is fused into the norm that follows it. `eachLayer` is called with a layer's
  /// number and activations once its queries, keys and values are there, and `attention` takes the
  /// place of that over the batch. States come out for `extent.outputRows` rows; where that is
  /// none, nothing is computed beyond the queries, keys and values of the last layer. `shift`,
  /// shape (T, C), is added to the tokens' embeddings.
  func forward(
    _ batch: DeviceBatch, _ extent: BatchExtent, into activations: Activations,
    on stream: KernelStream, shift: FloatSlice? = nil,
    eachLayer: ((Int, LayerActivations) -> Void)? = nil,
    attention: ((Int, LayerActivations) -> Void)? = nil
  ) {
    let width = configuration.modelDimension
    var rows = extent.rows
    let epsilon = ModelConfiguration.normEpsilon
    var residual = activations.layers[0].input
    var delta: FloatSlice?
    stream.embedding(
      residual, ids: batch.tokens, table: views.embedding, rows: rows, columns: width)
    if let shift {
      let input = residual.prefix(rows * width)
      stream.add(input, input, shift)
    }
    for (index, layer) in activations.layers.enumerated() {
      let weights = views.layers[index]
      stream.rmsNorm(
        layer.inputNormed, sum: delta == nil ? nil : layer.input, rstd: layer.inputRstd,
        input: residual, delta: delta, weight: weights.attentionNorm, epsilon: epsilon, rows: rows,
        columns: width)
      queryKeyValue(weights, layer, positions: batch.positions, rows: rows, on: stream)
      eachLayer?(index, layer)
      let isLast = index == activations.layers.count - 1
      if isLast, extent.outputRows == 0 { return }
      if let attention {
        attention(index, layer)
      } else {
        stream.attention(
          layer.attention, logSumExp: layer.logSumExp, queryKey: layer.queryKey, qkv: layer.qkv,
          offsets: batch.offsets, ends: extent.treeEnds, sequences: extent.sequences,
          rows: extent.rows, heads: heads)
      }
      if isLast, let wanted = extent.wanted {
        // No other token attends to what the last layer makes of a token.
        rows = wanted.count
        for values in [layer.attention, layer.input] {
          stream.gatherRows(values, input: values, rows: wanted, count: rows, width: width)
        }
      }
      feedForward(weights, layer, delta: activations.delta, rows: rows, on: stream)
      residual = layer.middle
      delta = activations.delta
    }
    stream.rmsNorm(
      activations.outputNormed, sum: activations.output, rstd: activations.outputRstd,
      input: residual, delta: delta, weight: views.finalNorm, epsilon: epsilon, rows: rows,
      columns: width)
  }

  /// Queries, keys and values of the normed stream; queries and keys normed and rotated.
  private func queryKeyValue(
    _ weights: LayerViews, _ layer: LayerActivations, positions: IntSlice, rows: Int,
    on stream: KernelStream
  ) {
    stream.linear(layer.qkv, input: layer.inputNormed, weight: weights.qkv, rows: rows)
    stream.queryKeyRotary(
      layer.queryKey, rstd: layer.queryKeyRstd, qkv: layer.qkv, queryWeight: weights.queryNorm,
      keyWeight: weights.keyNorm, rotary: rotary, positions: positions,
      epsilon: ModelConfiguration.normEpsilon, rows: rows, heads: heads)
  }

  /// From the heads' output to the feed-forward block's: leaves the addition to the stream in
  /// `delta`.
  private func feedForward(
    _ weights: LayerViews, _ layer: LayerActivations, delta: FloatSlice, rows: Int,
    on stream: KernelStream
  ) {
    let width = configuration.modelDimension
    let hidden = configuration.feedForwardDimension
    stream.linear(delta, input: layer.attention, weight: weights.attentionOutput, rows: rows)
    stream.rmsNorm(
      layer.middleNormed, sum: layer.middle, rstd: layer.middleRstd, input: layer.input,
      delta: delta, weight: weights.feedForwardNorm, epsilon: ModelConfiguration.normEpsilon,
      rows: rows, columns: width)
    stream.linear(
      layer.feedForwardInput, input: layer.middleNormed, weight: weights.feedForwardInput,
      rows: rows)
    switch configuration.activation {
    case .swiglu:
      stream.swiGLU(
        layer.feedForwardHidden, gateUp: layer.feedForwardInput, rows: rows, columns: hidden)
    case .gelu:
      stream.gelu(layer.feedForwardHidden, input: layer.feedForwardInput, count: rows * hidden)
    }
    stream.linear(
      delta, input: layer.feedForwardHidden, weight: weights.feedForwardOutput, rows: rows)
  }
}
