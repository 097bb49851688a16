import Compute
import LabCore

/// A prompt and texts that may follow it.
package struct PromptedCompletions: Hashable, Sendable {
  package let prompt: [Int32]
  /// Tokens after the prompt, the end token included where the probability of ending there counts.
  package let completions: [[Int32]]

  package init(prompt: [Int32], completions: [[Int32]]) {
    self.prompt = prompt
    self.completions = completions
  }

  /// Tokens of the longest text that goes through the model: the last one predicts nothing.
  package var longestInputCount: Int {
    prompt.count + (completions.map(\.count).max() ?? 1) - 1
  }
}

/// The distributions under which texts are scored.
package struct ScoringOptions: Hashable, Sendable {
  package var inverseTemperatures: [Float]
  package var truncation: Truncation

  package init(inverseTemperatures: [Float] = [1], truncation: Truncation = Truncation()) {
    self.inverseTemperatures = inverseTemperatures
    self.truncation = truncation
  }
}

extension InferenceSession {
  /// Log-probability in nats of each whole completion, for each inverse temperature.
  ///
  /// A prompt goes through the model once for all its completions, and logits are computed only where they
  /// say something of a completion. Sums over tokens are taken in double precision; a token that truncation
  /// cuts off makes -infinity. Result: by prompt, completion and inverse temperature. Every prompt and completion
  /// must have a token, and each text fit into `maximumTokens`.
  package func completionLogProbabilities(
    _ items: [PromptedCompletions], options: ScoringOptions = ScoringOptions()
  ) throws -> [[[Double]]] {
    var results = items.map { item in
      item.completions.map { _ in
        [Double](repeating: 0, count: options.inverseTemperatures.count)
      }
    }
    var single: [ScoredText] = []
    var shared: [ScoredText] = []
    for (index, item) in items.enumerated() {
      for completion in item.completions.indices {
        let text = ScoredText(item: index, completion: completion)
        if item.completions.count == 1 { single.append(text) } else { shared.append(text) }
      }
    }
    for part in parts(of: single, items, limit: { items[$0.item].longestInputCount }) {
      try scorePacked(part, items, options, &results)
    }
    let capacity = shared.map { items[$0.item].longestInputCount }.max() ?? 1
    let rows = min(maximumTokens, KeyValueCache.preferredRows(model, capacity: capacity))
    for part in sharedParts(of: shared, items, rows: rows) {
      try scoreShared(part, items, options, &results)
    }
    return results
  }

  /// Place of a text among the results.
  struct ScoredText {
    let item: Int
    let completion: Int
  }

  /// Stretches of texts whose inputs fit into the session.
  private func parts(
    of texts: [ScoredText], _ items: [PromptedCompletions], limit: (ScoredText) -> Int
  ) -> [ArraySlice<ScoredText>] {
    var parts: [ArraySlice<ScoredText>] = []
    var first = 0
    var tokens = 0
    for (index, text) in texts.enumerated() {
      if index > first, tokens + limit(text) > maximumTokens {
        parts.append(texts[first..<index])
        first = index
        tokens = 0
      }
      tokens += limit(text)
    }
    if first < texts.count { parts.append(texts[first...]) }
    return parts
  }

  /// Stretches of at most `rows` texts whose prompts, each counted once, fit into the session.
  private func sharedParts(
    of texts: [ScoredText], _ items: [PromptedCompletions], rows: Int
  ) -> [ArraySlice<ScoredText>] {
    var parts: [ArraySlice<ScoredText>] = []
    var first = 0
    var tokens = 0
    for (index, text) in texts.enumerated() {
      let isNew = index == first || texts[index - 1].item != text.item
      let own = isNew ? items[text.item].prompt.count : 0
      if index > first, index - first == rows || tokens + own > maximumTokens {
        parts.append(texts[first..<index])
        first = index
        tokens = items[text.item].prompt.count
      } else {
        tokens += own
      }
    }
    if first < texts.count { parts.append(texts[first...]) }
    return parts
  }

  /// One pass over whole texts, back to back.
  private func scorePacked(
    _ texts: ArraySlice<ScoredText>, _ items: [PromptedCompletions], _ options: ScoringOptions,
    _ results: inout [[[Double]]]
  ) throws {
    var packed = TokenBatch()
    for text in texts {
      let item = items[text.item]
      let completion = item.completions[text.completion]
      packed.append(
        tokens: item.prompt + completion.dropLast(),
        targets: [Int32](repeating: -1, count: item.prompt.count - 1) + completion)
    }
    _ = run(packed)
    let rows = packed.targets.indices.filter { packed.targets[$0] >= 0 }
    let states = try gatherStates(rows.map(Int32.init))
    var scores = try logProbabilities(
      of: states, targets: rows.map { packed.targets[$0] }, options)[...]
    for text in texts {
      let count = items[text.item].completions[text.completion].count
      for row in scores.prefix(count) { results[text.item][text.completion].add(row) }
      scores = scores.dropFirst(count)
    }
  }

  /// One pass over prompts, then one token after the other of all their completions.
  private func scoreShared(
    _ texts: ArraySlice<ScoredText>, _ items: [PromptedCompletions], _ options: ScoringOptions,
    _ results: inout [[[Double]]]
  ) throws {
    func completion(_ text: ScoredText) -> [Int32] { items[text.item].completions[text.completion] }
    // Longest first, so that the texts that still go on are the first rows of the cache.
    let ordered = texts.enumerated().sorted {
      (-completion($0.element).count, $0.offset) < (-completion($1.element).count, $1.offset)
    }.map(\.element)
    var prompts: [[Int32]] = []
    var places: [Int: Int] = [:]
    for text in texts where places[text.item] == nil {
      places[text.item] = prompts.count
      prompts.append(items[text.item].prompt)
    }
    let longest = texts.map { items[$0.item].longestInputCount }.max() ?? 1
    let states = try prefill(prompts, rows: ordered.count, capacity: longest)
    try cache.keep(ordered.map { Int32(places[$0.item] ?? 0) }, on: stream)
    // Of one prompt's answers one after the other, on logits that are computed once.
    var waiting = [[ScoredText]](repeating: [], count: prompts.count)
    for text in texts { waiting[places[text.item] ?? 0].append(text) }
    try forEachScoredChunk(of: states, rows: prompts.count, options) { first, count, score in
      for turn in 0..<(waiting[first..<first + count].map(\.count).max() ?? 0) {
        let own = waiting[first..<first + count].map { $0.count > turn ? $0[turn] : nil }
        let scores = score(own.map { $0.map { completion($0)[0] } ?? -1 })
        for (text, row) in zip(own, scores) {
          if let text { results[text.item][text.completion].add(row) }
        }
      }
    }
    for step in 1..<max(1, ordered.first.map { completion($0).count } ?? 1) {
      let live = ordered.prefix { completion($0).count > step }
      let states = decode(
        tokens: live.map { completion($0)[step - 1] },
        lengths: live.map { Int32(items[$0.item].prompt.count + step - 1) })
      let scores = try logProbabilities(
        of: states, targets: live.map { completion($0)[step] }, options)
      for (text, row) in zip(live, scores) { results[text.item][text.completion].add(row) }
    }
  }

  /// Log-probability of a target at each of some normed states; by state and inverse temperature.
  private func logProbabilities(
    of states: FloatSlice, targets: [Int32], _ options: ScoringOptions
  ) throws -> [[Double]] {
    var scores: [[Double]] = []
    try forEachScoredChunk(of: states, rows: targets.count, options) { first, count, score in
      scores += score(Array(targets[first..<first + count]))
    }
    return scores
  }

  /// Calls `body` with a way to score one target for each row of a chunk, as often as it likes.
  private func forEachScoredChunk(
    of states: FloatSlice, rows: Int, _ options: ScoringOptions,
    _ body: (_ first: Int, _ count: Int, _ score: ([Int32]) -> [[Double]]) -> Void
  ) throws {
    let targets = try DeviceBuffer<Int32>(chunkRows, on: model.device).all
    let output = try DeviceBuffer<Float>(chunkRows, on: model.device).all
    let vocabulary = model.configuration.vocabularySize
    forEachLogitChunk(of: states, rows: rows) { first, count in
      body(first, count) { values in
        if !options.truncation.isNone { return truncatedScores(values, options) }
        targets.copyIn(values)
        var scores = [[Double]](repeating: [], count: count)
        for inverse in options.inverseTemperatures {
          stream.logProbability(
            output, logits: logits, targets: targets, inverseTemperature: inverse, rows: count,
            vocabulary: vocabulary)
          for (row, value) in output.prefix(count).copyOut().enumerated() {
            scores[row].append(Double(value))
          }
        }
        return scores
      }
    }
  }

  /// The same under a truncated distribution.
  private func truncatedScores(_ targets: [Int32], _ options: ScoringOptions) -> [[Double]] {
    let vocabulary = model.configuration.vocabularySize
    return targets.enumerated().map { row, target in
      guard target >= 0 else { return options.inverseTemperatures.map { _ in 0 } }
      let values = logits.slice(row * vocabulary, vocabulary).copyOut()
      return options.inverseTemperatures.map { inverse in
        TruncatedDistribution(
          logits: values[...], inverseTemperature: inverse, options.truncation
        ).logProbability(of: target)
      }
    }
  }
}

extension [Double] {
  fileprivate mutating func add(_ others: [Double]) {
    for (index, value) in others.enumerated() { self[index] += value }
  }
}
