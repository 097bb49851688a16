import Compute

/// Memory for gradients with respect to activations, allocated once and reused; T rows each.
struct ActivationGradients: Sendable {
  /// Gradient of the residual stream (T, C), to which every block adds.
  let residual: FloatSlice
  /// (T, C).
  let normed: FloatSlice
  /// (T, C).
  let attention: FloatSlice
  /// (T, 3*C).
  let qkv: FloatSlice
  /// (T, 2*C).
  let queryKey: FloatSlice
  /// (T, FF).
  let feedForwardHidden: FloatSlice
  /// (T, 2*FF) or (T, FF).
  let feedForwardInput: FloatSlice

  init(_ configuration: ModelConfiguration, maximumTokens rows: Int, on device: Device) throws {
    let width = configuration.modelDimension
    let block = try DeviceBuffer<Float>(
      Self.valueCount(configuration, maximumTokens: rows), on: device)
    var offset = 0
    func take(_ columns: Int) -> FloatSlice {
      defer { offset += rows * columns }
      return block.slice(offset, rows * columns)
    }
    residual = take(width)
    normed = take(width)
    attention = take(width)
    qkv = take(3 * width)
    queryKey = take(2 * width)
    feedForwardHidden = take(configuration.feedForwardDimension)
    feedForwardInput = take(configuration.fusedDimension)
  }

  /// Values of all of them.
  static func valueCount(_ configuration: ModelConfiguration, maximumTokens: Int) -> Int {
    maximumTokens
      * (8 * configuration.modelDimension + configuration.feedForwardDimension
        + configuration.fusedDimension)
  }
}

/// What a linear map read, (T, inputs), and the gradient of what it put out, (T, outputs), while
/// they are in memory.
typealias MatrixTap = (_ input: FloatSlice, _ outputGradient: FloatSlice) -> Void

extension LanguageModel {
  /// The forward pass read upwards: adds every parameter's gradient into `gradients`.
  ///
  /// On entry `flow.normed` holds the gradient with respect to the final norm's output. `tap` is
  /// called for each matrix between embedding and read-out, the last layer's first.
  func backward(
    _ batch: DeviceBatch, _ extent: BatchExtent, through activations: Activations,
    _ flow: ActivationGradients, into gradients: ParameterViews, on stream: KernelStream,
    tap: MatrixTap? = nil
  ) {
    let width = configuration.modelDimension
    let rows = extent.rows
    stream.zero(flow.residual.prefix(rows * width))
    stream.rmsNormBackward(
      sumGradient: flow.residual, weightGradient: gradients.finalNorm, outputGradient: flow.normed,
      sum: activations.output, rstd: activations.outputRstd, weight: views.finalNorm, rows: rows,
      columns: width)
    for index in (0..<configuration.layerCount).reversed() {
      let weights = views.layers[index]
      let layer = activations.layers[index]
      let gradient = gradients.layers[index]
      feedForwardBackward(weights, layer, flow, gradient, rows: rows, on: stream, tap)
      attentionBackward(weights, layer, flow, gradient, batch, extent, on: stream, tap)
    }
    stream.embeddingBackward(
      gradients.embedding, ids: batch.tokens, outputGradient: flow.residual, rows: rows,
      columns: width)
  }

  private func feedForwardBackward(
    _ weights: LayerViews, _ layer: LayerActivations, _ flow: ActivationGradients,
    _ gradient: LayerViews, rows: Int, on stream: KernelStream, _ tap: MatrixTap?
  ) {
    let width = configuration.modelDimension
    let hidden = configuration.feedForwardDimension
    linearBackward(
      input: flow.feedForwardHidden, weight: gradient.feedForwardOutput, from: flow.residual,
      at: layer.feedForwardHidden, weights.feedForwardOutput, rows, on: stream, tap)
    switch configuration.activation {
    case .swiglu:
      stream.swiGLUBackward(
        flow.feedForwardInput, outputGradient: flow.feedForwardHidden,
        gateUp: layer.feedForwardInput, rows: rows, columns: hidden)
    case .gelu:
      stream.geluBackward(
        flow.feedForwardInput, outputGradient: flow.feedForwardHidden,
        input: layer.feedForwardInput, count: rows * hidden)
    }
    linearBackward(
      input: flow.normed, weight: gradient.feedForwardInput, from: flow.feedForwardInput,
      at: layer.middleNormed, weights.feedForwardInput, rows, on: stream, tap)
    stream.rmsNormBackward(
      sumGradient: flow.residual, weightGradient: gradient.feedForwardNorm,
      outputGradient: flow.normed, sum: layer.middle, rstd: layer.middleRstd,
      weight: weights.feedForwardNorm, rows: rows, columns: width)
  }

  private func attentionBackward(
    _ weights: LayerViews, _ layer: LayerActivations, _ flow: ActivationGradients,
    _ gradient: LayerViews, _ batch: DeviceBatch, _ extent: BatchExtent, on stream: KernelStream,
    _ tap: MatrixTap?
  ) {
    let width = configuration.modelDimension
    let rows = extent.rows
    linearBackward(
      input: flow.attention, weight: gradient.attentionOutput, from: flow.residual,
      at: layer.attention, weights.attentionOutput, rows, on: stream, tap)
    stream.attentionBackward(
      queryKeyGradient: flow.queryKey, qkvGradient: flow.qkv, outputGradient: flow.attention,
      queryKey: layer.queryKey, qkv: layer.qkv, output: layer.attention,
      logSumExp: layer.logSumExp, offsets: batch.offsets, sequences: extent.sequences, rows: rows,
      heads: heads)
    stream.queryKeyRotaryBackward(
      qkvGradient: flow.qkv, queryWeightGradient: gradient.queryNorm,
      keyWeightGradient: gradient.keyNorm, outputGradient: flow.queryKey, qkv: layer.qkv,
      rstd: layer.queryKeyRstd, queryWeight: weights.queryNorm, keyWeight: weights.keyNorm,
      rotary: rotary, positions: batch.positions, rows: rows, heads: heads)
    linearBackward(
      input: flow.normed, weight: gradient.qkv, from: flow.qkv, at: layer.inputNormed, weights.qkv,
      rows, on: stream, tap)
    stream.rmsNormBackward(
      sumGradient: flow.residual, weightGradient: gradient.attentionNorm,
      outputGradient: flow.normed, sum: layer.input, rstd: layer.inputRstd,
      weight: weights.attentionNorm, rows: rows, columns: width)
  }

  /// Both gradients of a linear map, output = input weight^T.
  private func linearBackward(
    input inputGradient: FloatSlice, weight weightGradient: WeightMatrix,
    from outputGradient: FloatSlice, at input: FloatSlice, _ weight: WeightMatrix, _ rows: Int,
    on stream: KernelStream, _ tap: MatrixTap?
  ) {
    tap?(input, outputGradient)
    stream.linearBackwardWeight(
      weightGradient, outputGradient: outputGradient, input: input, rows: rows)
    stream.linearBackwardInput(
      inputGradient, outputGradient: outputGradient, weight: weight, rows: rows)
  }
}
