import Compute
package import LabCore

/// Forward passes without gradients on one thread: log-probabilities, hidden states, generation.
package final class InferenceSession {
  package let model: LanguageModel
  package let maximumTokens: Int
  let stream: KernelStream
  let activations: Activations
  let batch: DeviceBatch
  let logits: FloatSlice
  let chunkRows: Int
  /// Rows of the batch whose states are wanted, and the ends of a batch of trees.
  let wantedRows: IntSlice
  let treeEnds: IntSlice
  let cache: KeyValueCache

  /// Allocates for batches of up to `maximumTokens` tokens.
  ///
  /// Throws `LabError` when memory is short.
  package init(_ model: LanguageModel, maximumTokens: Int = 1024) throws {
    self.model = model
    self.maximumTokens = maximumTokens
    let configuration = model.configuration
    var limits = configuration.streamLimits(maximumTokens: maximumTokens)
    limits.maximumSequenceLength = max(limits.maximumSequenceLength, TextTree.mostRows)
    stream = try KernelStream(on: model.device, precision: model.precision, limits: limits)
    activations = try Activations(
      configuration, maximumTokens: maximumTokens, keepsLayers: false, on: model.device)
    batch = try DeviceBatch(maximumTokens: maximumTokens, on: model.device)
    chunkRows = configuration.logitChunkRows(maximumTokens: maximumTokens)
    logits = try DeviceBuffer<Float>(
      chunkRows * configuration.vocabularySize, on: model.device
    ).all
    wantedRows = try DeviceBuffer<Int32>(maximumTokens, on: model.device).all
    treeEnds = try DeviceBuffer<Int32>(maximumTokens, on: model.device).all
    cache = KeyValueCache(configuration, on: model.device)
  }

  /// Log-probability in nats of each target under softmax(logits / T), for each inverse temperature
  /// 1/T.
  ///
  /// Result: one array of T values for each inverse temperature; 0 where a target is negative. The
  /// batch must fit into `maximumTokens`.
  package func logProbabilities(
    _ tokens: TokenBatch, inverseTemperatures: [Float]
  ) throws -> [[Float]] {
    let rows = run(tokens)
    let output = try DeviceBuffer<Float>(max(rows, 1), on: model.device).all
    var results = [[Float]](repeating: [], count: inverseTemperatures.count)
    forEachLogitChunk(of: activations.outputNormed, rows: rows) { first, count in
      for (index, inverse) in inverseTemperatures.enumerated() {
        stream.logProbability(
          output, logits: logits, targets: batch.targets.slice(first, count),
          inverseTemperature: inverse, rows: count, vocabulary: model.configuration.vocabularySize)
        results[index].append(contentsOf: output.prefix(count).copyOut())
      }
    }
    return results
  }

  /// Logits of every token, shape (T, V); for inspection and tests.
  package func allLogits(_ tokens: TokenBatch) -> [Float] {
    let rows = run(tokens)
    var values: [Float] = []
    forEachLogitChunk(of: activations.outputNormed, rows: rows) { _, count in
      values += logits.prefix(count * model.configuration.vocabularySize).copyOut()
    }
    return values
  }

  /// Runs a batch up to the final norm and returns the number of its rows; states are
  /// `activations.outputNormed`.
  ///
  /// `ends`: the sequences are trees. `wanted`: states come out for these rows alone, ascending.
  /// `eachLayer` as in `LanguageModel.forward`.
  @discardableResult
  func run(
    _ tokens: TokenBatch, ends: [Int32]? = nil, wanted: [Int32]? = nil,
    eachLayer: ((Int, LayerActivations) -> Void)? = nil
  ) -> Int {
    let rows = tokens.tokens.count
    precondition(rows <= maximumTokens, "batch of \(rows) tokens exceeds \(maximumTokens)")
    guard rows > 0 else { return 0 }
    batch.copyIn(tokens)
    var extent = BatchExtent(rows: rows, sequences: tokens.sequenceCount)
    if let wanted {
      wantedRows.copyIn(wanted)
      extent.wanted = wantedRows.prefix(wanted.count)
    }
    if let ends {
      treeEnds.copyIn(ends)
      extent.treeEnds = treeEnds
    }
    model.forward(batch, extent, into: activations, on: stream, eachLayer: eachLayer)
    return rows
  }

  /// One forward pass with the logits of every row, which are kept nowhere: what the speed of
  /// scoring is held against.
  package func computeLogits(of batch: TokenBatch) {
    let rows = run(batch)
    forEachLogitChunk(of: activations.outputNormed, rows: rows) { _, _ in }
  }

  /// Computes logits of normed states (rows, C) chunk by chunk and calls `body(first row, row
  /// count)`.
  func forEachLogitChunk(of states: FloatSlice, rows: Int, _ body: (Int, Int) -> Void) {
    let width = model.configuration.modelDimension
    for first in stride(from: 0, to: rows, by: chunkRows) {
      let count = min(chunkRows, rows - first)
      stream.linear(
        logits, input: states.slice(first * width, count * width), weight: model.views.readOut,
        rows: count)
      body(first, count)
    }
  }
}
