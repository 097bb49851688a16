import Compute
import LabCore

/// What the model wrote after a prompt.
package struct Completion: Hashable, Sendable {
  /// Tokens before the stop token.
  package var tokens: [Int32] = []
  /// Sum of the log-probabilities at temperature 1, in nats, of all tokens drawn, the stop token included.
  package var logProbability: Double = 0
  /// Whether the end token came; false when another stop token or the limit ended the text.
  package var ended = false

  package init() {}
}

/// How to draw completions.
package struct GenerationOptions: Sendable {
  /// Completions for each prompt.
  package var samples: Int
  /// 1 / temperature; infinity for greedy decoding.
  package var inverseTemperature: Float
  package var maximumNewTokens: Int
  package var endToken: Int32
  /// Tokens that stop a completion without ending it well.
  package var stopTokens: Range<Int32>

  package init(
    samples: Int, inverseTemperature: Float, maximumNewTokens: Int, endToken: Int32,
    stopTokens: Range<Int32>
  ) {
    self.samples = samples
    self.inverseTemperature = inverseTemperature
    self.maximumNewTokens = maximumNewTokens
    self.endToken = endToken
    self.stopTokens = stopTokens
  }
}

extension InferenceSession {
  /// Draws `options.samples` completions of each prompt, with a key-value cache.
  ///
  /// `uniform(prompt, sample, step)` in [0, 1) decides each draw, so results do not depend on how prompts
  /// are grouped. Result: for each prompt, its completions. A prompt with `maximumNewTokens` must fit into
  /// the model's context.
  package func generate(
    prompts: [[Int32]], options: GenerationOptions, uniform: (Int, Int, Int) -> Float
  ) throws -> [[Completion]] {
    var results: [[Completion]] = []
    var first = 0
    while first < prompts.count {
      var last = first
      var tokens = 0
      while last < prompts.count, tokens + prompts[last].count <= maximumTokens,
        (last + 1 - first) * options.samples <= maximumTokens
      {
        tokens += prompts[last].count
        last += 1
      }
      guard last > first else {
        throw LabError(
          "a prompt of \(prompts[first].count) tokens with \(options.samples) samples does not fit "
            + "into \(maximumTokens) tokens; ask for fewer samples", .usage)
      }
      let group = Array(prompts[first..<last])
      results += try generateGroup(group, options: options) { uniform(first + $0, $1, $2) }
      first = last
    }
    return results
  }

  private func generateGroup(
    _ prompts: [[Int32]], options: GenerationOptions, uniform: (Int, Int, Int) -> Float
  ) throws -> [[Completion]] {
    let longest = prompts.map(\.count).max() ?? 0
    guard longest + options.maximumNewTokens <= model.configuration.contextLength else {
      throw LabError(
        "a prompt of \(longest) tokens and \(options.maximumNewTokens) new ones exceed the model's "
          + "context of \(model.configuration.contextLength)", .usage)
    }
    let rowCount = prompts.count * options.samples
    var cache = try KeyValueCache(
      model.configuration, rows: rowCount, capacity: longest + options.maximumNewTokens,
      on: model.device)
    var decoding = Decoding(prompts: prompts, options: options)
    var states = try prefill(prompts, samples: options.samples, into: cache)
    for step in 0..<options.maximumNewTokens {
      if step > 0 { states = decode(decoding, cache: cache) }
      try draw(&decoding, from: states, step: step, options: options, uniform: uniform)
      let alive = decoding.finishStep()
      if alive.isEmpty { break }
      if alive.count < decoding.rows.count {
        cache.keep(alive.map(Int32.init), on: stream)
        decoding.keep(alive)
      }
    }
    return decoding.completions
  }

  /// Runs the prompts and fills the cache; returns each row's last normed state (rows, C).
  private func prefill(
    _ prompts: [[Int32]], samples: Int, into cache: KeyValueCache
  ) throws -> FloatSlice {
    var packed = TokenBatch()
    for prompt in prompts { packed.append(tokens: prompt, targets: prompt.map { _ in -1 }) }
    batch.copyIn(packed)
    var sources: [Int32] = []
    var lastRows: [Int32] = []
    for prompt in prompts.indices {
      let start = packed.offsets[prompt]
      let end = packed.offsets[prompt + 1] - 1
      let places = (0..<Int32(cache.capacity)).map { min(start + $0, end) }
      for _ in 0..<samples {
        sources += places
        lastRows.append(end)
      }
    }
    let extent = BatchExtent(rows: packed.tokens.count, sequences: prompts.count)
    model.forward(batch, extent, into: activations, on: stream) { index, layer in
      cache.fill(layer: index, from: layer, sources: sources, on: self.stream)
    }
    let indices = try DeviceBuffer<Int32>(lastRows.count, on: model.device).all
    indices.copyIn(lastRows)
    stream.gatherRows(
      activations.output, input: activations.outputNormed, rows: indices, count: lastRows.count,
      width: model.configuration.modelDimension)
    return activations.output
  }

  /// One step of the transformer for the newest token of every row; returns normed states (rows, C).
  private func decode(_ decoding: Decoding, cache: KeyValueCache) -> FloatSlice {
    let rows = decoding.rows.count
    let width = model.configuration.modelDimension
    let epsilon = ModelConfiguration.normEpsilon
    batch.tokens.copyIn(decoding.rows.map(\.newest))
    batch.positions.copyIn(decoding.rows.map(\.length))
    var residual = activations.layers[0].input
    var delta: FloatSlice?
    stream.embedding(
      residual, ids: batch.tokens, table: model.views.embedding, rows: rows, columns: width)
    for (index, layer) in activations.layers.enumerated() {
      let weights = model.views.layers[index]
      stream.rmsNorm(
        layer.inputNormed, sum: delta == nil ? nil : layer.input, rstd: layer.inputRstd,
        input: residual, delta: delta, weight: weights.attentionNorm, epsilon: epsilon, rows: rows,
        columns: width)
      model.queryKeyValue(weights, layer, positions: batch.positions, rows: rows, on: stream)
      stream.attentionDecode(
        layer.attention, keyCache: cache.keys[index], valueCache: cache.values[index],
        queryKey: layer.queryKey, qkv: layer.qkv, lengths: batch.positions, rows: rows,
        capacity: cache.capacity, heads: model.heads)
      model.feedForward(weights, layer, delta: activations.delta, rows: rows, on: stream)
      residual = layer.middle
      delta = activations.delta
    }
    stream.rmsNorm(
      activations.outputNormed, sum: activations.output, rstd: activations.outputRstd,
      input: residual, delta: delta, weight: model.views.finalNorm, epsilon: epsilon, rows: rows,
      columns: width)
    return activations.outputNormed
  }

  /// Draws the next token of every row from its state.
  private func draw(
    _ decoding: inout Decoding, from states: FloatSlice, step: Int, options: GenerationOptions,
    uniform: (Int, Int, Int) -> Float
  ) throws {
    let rows = decoding.rows.count
    let uniforms = try DeviceBuffer<Float>(rows, on: model.device).all
    let tokens = try DeviceBuffer<Int32>(rows, on: model.device).all
    let scores = try DeviceBuffer<Float>(rows, on: model.device).all
    uniforms.copyIn(decoding.rows.map { uniform($0.prompt, $0.sample, step) })
    forEachLogitChunk(of: states, rows: rows) { first, count in
      stream.sample(
        tokens: tokens.slice(first, count), logProbability: scores.slice(first, count),
        logits: logits, uniforms: uniforms.slice(first, count),
        inverseTemperature: options.inverseTemperature, rows: count,
        vocabulary: model.configuration.vocabularySize)
    }
    decoding.take(tokens: tokens.copyOut(), logProbabilities: scores.copyOut())
  }
}
