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
  /// What texts have in common goes through the model once: a prompt for its completions, a subject
  /// for its queries. The last layer and the logits are computed only where they say something of a
  /// completion. Sums over tokens are taken in double precision; a token that truncation cuts off
  /// makes -infinity. Result: by prompt, completion and inverse temperature. Every prompt and
  /// completion must have a token, and each text fit into `maximumTokens`.
  package func completionLogProbabilities(
    _ items: [PromptedCompletions], options: ScoringOptions = ScoringOptions()
  ) throws -> [[[Double]]] {
    let temperatures = options.inverseTemperatures.count
    let counts = items.map(\.completions.count)
    var sums = [Double](repeating: 0, count: counts.reduce(0, +) * temperatures)
    let starts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    var tree = TextTree()
    var text: [Int32] = []
    for index in lexicographicOrder(of: items.map(\.prompt)) {
      let item = items[index]
      for place in lexicographicOrder(of: item.completions) {
        text.removeAll(keepingCapacity: true)
        text += item.prompt
        text += item.completions[place]
        while !tree.add(
          text, readFrom: item.prompt.count, number: starts[index] + place, limit: maximumTokens)
        {
          precondition(!tree.isEmpty, "a text of \(text.count) tokens exceeds \(maximumTokens)")
          try score(tree, options, adding: &sums)
          tree = TextTree()
        }
      }
    }
    if !tree.isEmpty { try score(tree, options, adding: &sums) }
    var rest = sums[...]
    return items.map { item in
      item.completions.map { _ in
        defer { rest = rest.dropFirst(temperatures) }
        return Array(rest.prefix(temperatures))
      }
    }
  }

  /// One pass; adds the log-probabilities of its tokens to the sums, by completion and inverse
  /// temperature.
  private func score(
    _ texts: TextTree, _ options: ScoringOptions, adding sums: inout [Double]
  ) throws {
    var tree = texts
    tree.finish()
    let (rows, readings) = tree.inOrderOfRows()
    run(tree.batch, ends: tree.ends, wanted: rows)
    let buffers = try ScoringBuffers(readings.count, on: model.device)
    // Each chunk of logits begins with its row 0.
    buffers.rows.copyIn(readings.map { Int32($0.place % chunkRows) })
    buffers.targets.copyIn(readings.map(\.reading.target))
    let temperatures = options.inverseTemperatures.count
    var next = 0
    forEachLogitChunk(of: activations.outputNormed, rows: rows.count) { first, count in
      let begin = next
      while next < readings.count, readings[next].place < first + count { next += 1 }
      let part = begin..<next
      for (index, inverse) in options.inverseTemperatures.enumerated() {
        let scores =
          options.truncation.isNone
          ? plainScores(part, buffers, inverse)
          : truncatedScores(readings[part], inverse, options.truncation)
        for (score, reading) in zip(scores, readings[part]) {
          sums[reading.reading.text * temperatures + index] += score
        }
      }
    }
  }

  /// What the kernels read and write for the readings of one pass.
  private struct ScoringBuffers {
    let rows: IntSlice
    let targets: IntSlice
    let scores: FloatSlice

    init(_ count: Int, on device: Device) throws {
      rows = try DeviceBuffer<Int32>(count, on: device).all
      targets = try DeviceBuffer<Int32>(count, on: device).all
      scores = try DeviceBuffer<Float>(count, on: device).all
    }
  }

  /// Scores of some readings from the logits at hand.
  private func plainScores(
    _ part: Range<Int>, _ buffers: ScoringBuffers, _ inverse: Float
  ) -> [Double] {
    stream.logProbability(
      buffers.scores, logits: logits, logitRows: buffers.rows.slice(part.lowerBound, part.count),
      targets: buffers.targets.slice(part.lowerBound, part.count), inverseTemperature: inverse,
      rows: part.count, vocabulary: model.configuration.vocabularySize)
    return buffers.scores.prefix(part.count).copyOut().map(Double.init)
  }

  /// The same under a truncated distribution, which is made once for all readings of a row.
  private func truncatedScores(
    _ readings: ArraySlice<(place: Int, reading: TextTree.Reading)>, _ inverse: Float,
    _ truncation: Truncation
  ) -> [Double] {
    let vocabulary = model.configuration.vocabularySize
    var known: (place: Int, distribution: TruncatedDistribution)?
    return readings.map { place, reading in
      if let known, known.place == place {
        return known.distribution.logProbability(of: reading.target)
      }
      let distribution = TruncatedDistribution(
        logits: logits.slice(place % chunkRows * vocabulary, vocabulary).copyOut()[...],
        inverseTemperature: inverse, truncation)
      known = (place, distribution)
      return distribution.logProbability(of: reading.target)
    }
  }
}

/// Indices of texts in the order of their tokens.
func lexicographicOrder(of texts: [[Int32]]) -> [Int] {
  guard texts.count > 1 else { return Array(texts.indices) }
  return texts.indices.sorted { texts[$0].lexicographicallyPrecedes(texts[$1]) }
}
