package import Compute
package import LabCore

/// One worker's memory for forward and backward passes, and the passes of every objective.
package final class TrainingPass {
  let model: LanguageModel
  /// The kernels of this worker, free for other work between passes.
  package let stream: KernelStream
  let activations: Activations
  let flow: ActivationGradients
  let batch: DeviceBatch
  let logits: FloatSlice
  let losses: FloatSlice
  let chunkRows: Int

  /// The most tokens of a micro-batch.
  package var maximumTokens: Int { activations.maximumTokens }

  /// Tokens of a micro-batch: enough for products at full speed, few enough that one layer's
  /// activations stay in the second-level cache; chosen by measurement (docs/performance.md).
  package static func preferredMicroBatchTokens(_ configuration: ModelConfiguration) -> Int {
    configuration.modelDimension < 256 ? 128 : 256
  }

  /// The same, and no fewer than the context has.
  package static func usualMicroBatchTokens(_ configuration: ModelConfiguration) -> Int {
    max(preferredMicroBatchTokens(configuration), configuration.contextLength)
  }

  /// Allocates for micro-batches of up to `maximumTokens` tokens, by default the usual number.
  ///
  /// Throws `LabError` when memory is short.
  package init(_ model: LanguageModel, maximumTokens: Int? = nil) throws {
    self.model = model
    let configuration = model.configuration
    let maximumTokens = maximumTokens ?? Self.usualMicroBatchTokens(configuration)
    stream = try KernelStream(
      on: model.device, precision: model.precision,
      limits: configuration.streamLimits(maximumTokens: maximumTokens))
    activations = try Activations(
      configuration, maximumTokens: maximumTokens, keepsLayers: true, on: model.device)
    flow = try ActivationGradients(configuration, maximumTokens: maximumTokens, on: model.device)
    batch = try DeviceBatch(maximumTokens: maximumTokens, on: model.device)
    chunkRows = configuration.logitChunkRows(maximumTokens: maximumTokens)
    logits = try DeviceBuffer<Float>(
      chunkRows * configuration.vocabularySize, on: model.device
    ).all
    losses = try DeviceBuffer<Float>(maximumTokens, on: model.device).all
  }

  /// Bytes of one pass's memory, but for the kernels' own scratch.
  package static func byteCount(_ configuration: ModelConfiguration, maximumTokens: Int) -> Int {
    let logits =
      configuration.logitChunkRows(maximumTokens: maximumTokens) * configuration.vocabularySize
    let flow = ActivationGradients.valueCount(configuration, maximumTokens: maximumTokens)
    return Activations.byteCount(configuration, maximumTokens: maximumTokens)
      + 4 * (flow + logits + 5 * maximumTokens)
  }

  /// Adds the gradient of `scale` times the summed loss into `gradients`; returns the summed loss
  /// in nats.
  ///
  /// z-loss adds `zLoss` * logsumexp^2 for each token
  /// to the objective, not to the returned loss.
  package func run(
    _ tokens: TokenBatch, into gradients: Gradients, scale: Float, zLoss: Float
  ) -> Double {
    run(tokens, into: gradients, scale: scale, zLoss: zLoss, tap: nil)
  }

  /// The same with a tap of every matrix, the read-out first, which may come in several parts.
  func run(
    _ tokens: TokenBatch, into gradients: Gradients, scale: Float, zLoss: Float, tap: MatrixTap?
  ) -> Double {
    let rows = tokens.tokens.count
    guard rows > 0 else { return 0 }
    let extent = forward(tokens)
    readOut(rows: rows, gradients.views, scale: scale, zLoss: zLoss, tap)
    model.backward(
      batch, extent, through: activations, flow, into: gradients.views, on: stream, tap: tap)
    return losses.prefix(rows).copyOut().reduce(0) { $0 + Double($1) }
  }

  /// Runs a batch up to the final norm; where `moved` is given, shape (T, V), it is added to the
  /// one-hot rows of the tokens.
  func forward(_ tokens: TokenBatch, moved: [Float]? = nil) -> BatchExtent {
    let rows = tokens.tokens.count
    precondition(rows <= maximumTokens, "micro-batch of \(rows) tokens is too large")
    batch.copyIn(tokens)
    let extent = BatchExtent(rows: rows, sequences: tokens.sequenceCount)
    let shift = moved.map { self.shift(of: $0, rows: rows) }
    model.forward(batch, extent, into: activations, on: stream, shift: shift)
    return extent
  }

  /// Adds every parameter's gradient after `forward`, given that of the final norm's output in
  /// `flow.normed`.
  func backward(_ extent: BatchExtent, into gradients: Gradients) {
    model.backward(batch, extent, through: activations, flow, into: gradients.views, on: stream)
  }

  /// Loss and its gradient with respect to the final norm's output, in chunks of rows that never
  /// hold all logits.
  private func readOut(
    rows: Int, _ gradients: ParameterViews, scale: Float, zLoss: Float, _ tap: MatrixTap?
  ) {
    let width = model.configuration.modelDimension
    let vocabulary = model.configuration.vocabularySize
    for first in stride(from: 0, to: rows, by: chunkRows) {
      let count = min(chunkRows, rows - first)
      let normed = activations.outputNormed.slice(first * width, count * width)
      stream.linear(logits, input: normed, weight: model.views.readOut, rows: count)
      stream.crossEntropy(
        losses: losses.slice(first, count), logits: logits,
        targets: batch.targets.slice(first, count),
        scale: scale, zLoss: zLoss, rows: count, vocabulary: vocabulary)
      tap?(normed, logits.prefix(count * vocabulary))
      stream.linearBackwardWeight(
        gradients.readOut, outputGradient: logits, input: normed, rows: count)
      stream.linearBackwardInput(
        flow.normed.slice(first * width, count * width), outputGradient: logits,
        weight: model.views.readOut, rows: count)
    }
  }
}

extension DeviceBatch {
  /// Copies a batch to the start of the device's memory.
  func copyIn(_ batch: TokenBatch) {
    tokens.copyIn(batch.tokens)
    targets.copyIn(batch.targets)
    offsets.copyIn(batch.offsets)
    positions.copyIn(batch.positions)
  }
}

extension ModelConfiguration {
  /// Scratch that any call of this model needs.
  func streamLimits(maximumTokens: Int) -> StreamLimits {
    StreamLimits(
      maximumTokens: maximumTokens, maximumSequenceLength: min(contextLength, maximumTokens),
      maximumWidth: max(3 * modelDimension, 2 * feedForwardDimension, vocabularySize))
  }

  /// Rows of logits held at once: about a quarter of a million values, so that they stay in the
  /// cache.
  func logitChunkRows(maximumTokens: Int) -> Int {
    min(maximumTokens, max(16, (1 << 18) / vocabularySize))
  }
}
