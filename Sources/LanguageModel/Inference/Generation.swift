import Compute
import LabCore

extension InferenceSession {
  /// Draws completions of each prompt in several ways, which share what the model computes, with a
  /// key-value cache.
  ///
  /// Results do not depend on how prompts are grouped: a prompt is read once, and completions that
  /// begin alike are computed once as far as they are alike, whatever their temperature.
  /// `uniform(prompt, plan, sample, step)` in [0, 1) decides each draw. Result: by prompt, plan and
  /// sample. Throws `LabError` for what fits neither into the session nor the context.
  package func generate(
    prompts: [[Int32]], plans: [SamplePlan], limits: GenerationLimits,
    uniform: (_ prompt: Int, _ plan: Int, _ sample: Int, _ step: Int) -> Float
  ) throws -> [[[Completion]]] {
    var results = prompts.map { _ in [[Completion]]() }
    for part in planGroups(plans) {
      let own = Array(plans[part])
      let samples = own.reduce(0) { $0 + $1.samples }
      for group in try promptGroups(prompts, samples: samples, newTokens: limits.maximumNewTokens) {
        let drawn = try generateGroup(Array(prompts[group]), plans: own, limits: limits) {
          uniform(group.lowerBound + $0, part.lowerBound + $1, $2, $3)
        }
        for (prompt, completions) in zip(group, drawn) { results[prompt] += completions }
      }
    }
    return results
  }

  /// Stretches of the plans whose completions of one prompt fit into the session together.
  private func planGroups(_ plans: [SamplePlan]) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var samples = 0
    for (index, plan) in plans.enumerated() {
      if let last = groups.last, samples + plan.samples <= maximumTokens {
        groups[groups.count - 1] = last.lowerBound..<index + 1
        samples += plan.samples
      } else {
        groups.append(index..<index + 1)
        samples = plan.samples
      }
    }
    return groups
  }

  /// Stretches of the prompts that fit into the session with all their completions, and into the
  /// processor's cache.
  private func promptGroups(
    _ prompts: [[Int32]], samples: Int, newTokens: Int
  ) throws -> [Range<Int>] {
    let most = KeyValueCache.preferredTexts(
      model, tokens: (prompts.map(\.count).max() ?? 0) + newTokens)
    var groups: [Range<Int>] = []
    var first = 0
    while first < prompts.count {
      var last = first
      var tokens = 0
      while last < prompts.count, last - first < most,
        tokens + prompts[last].count <= maximumTokens,
        (last + 1 - first) * samples <= maximumTokens
      {
        tokens += prompts[last].count
        last += 1
      }
      guard last > first else {
        throw LabError(
          "a prompt of \(prompts[first].count) tokens with \(samples) samples does not fit "
            + "into \(maximumTokens) tokens; ask for fewer samples", .usage)
      }
      groups.append(first..<last)
      first = last
    }
    return groups
  }

  private func generateGroup(
    _ prompts: [[Int32]], plans: [SamplePlan], limits: GenerationLimits,
    uniform: (Int, Int, Int, Int) -> Float
  ) throws -> [[[Completion]]] {
    let longest = prompts.map(\.count).max() ?? 0
    guard longest + limits.maximumNewTokens <= model.configuration.contextLength else {
      throw LabError(
        "a prompt of \(longest) tokens and \(limits.maximumNewTokens) new ones exceed the model's "
          + "context of \(model.configuration.contextLength)", .usage)
    }
    var decoding = Decoding(
      prompts: prompts, rows: try prefill(prompts), plans: plans, limits: limits)
    for step in 0..<limits.maximumNewTokens {
      let states = try decode(&decoding)
      let drawn = try draw(decoding, from: states, plans: plans) {
        uniform($0.prompt, $0.plan, $0.sample, step)
      }
      decoding.take(tokens: drawn.tokens, logProbabilities: drawn.logProbabilities)
      if decoding.nodes.isEmpty { break }
    }
    return decoding.completions
  }

  /// Reads all tokens of the prompts but the last into an empty cache; returns the rows of each.
  ///
  /// Only keys and values are wanted of them, once for all prompts that begin alike; the last token
  /// goes through the model as a new one does.
  private func prefill(_ prompts: [[Int32]]) throws -> [[Int32]] {
    var tree = TextTree()
    var paths = [[Int32]](repeating: [], count: prompts.count)
    for index in lexicographicOrder(of: prompts) where prompts[index].count > 1 {
      let fits = tree.add(prompts[index], count: prompts[index].count - 1, limit: maximumTokens)
      precondition(fits, "prompts of a group exceed \(maximumTokens) tokens")
      paths[index] = tree.path
    }
    cache.removeAll()
    guard !tree.isEmpty else { return paths }
    tree.finish()
    let rows = tree.tokens.count
    let first = try cache.append(rows, on: stream)
    let sources = try BatchRows(rows, on: model.device)
    run(tree.batch, ends: tree.ends, wanted: []) { index, layer in
      self.cache.fill(layer: index, from: first, layer, sources: sources, on: self.stream)
    }
    return paths.map { path in path.map { first + $0 } }
  }

  /// One step of the transformer for the newest token of each node; returns normed states (nodes,
  /// C).
  private func decode(_ decoding: inout Decoding) throws -> FloatSlice {
    let rows = decoding.nodes.count
    decoding.place(from: try cache.append(rows, on: stream))
    batch.tokens.copyIn(decoding.nodes.map(\.newest))
    batch.positions.copyIn(decoding.nodes.map { Int32($0.path.count) - 1 })
    let paths = try CachePaths(decoding.nodes.map(\.path), on: model.device)
    let extent = BatchExtent(rows: rows, sequences: rows)
    model.forward(
      batch, extent, into: activations, on: stream,
      attention: { index, layer in
        self.stream.attentionDecode(
          layer.attention, keyCache: self.cache.keys[index], valueCache: self.cache.values[index],
          queryKey: layer.queryKey, qkv: layer.qkv, paths: paths.rows, offsets: paths.offsets,
          rows: rows, cacheRows: self.cache.capacity, heads: self.model.heads)
      })
    return activations.outputNormed
  }
}
