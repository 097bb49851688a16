import Compute

extension InferenceSession {
  /// Draws the next token of every walker from the state of its node; one token and log-probability
  /// each.
  func draw(
    _ decoding: Decoding, from states: FloatSlice, plans: [SamplePlan],
    uniform: (Decoding.Walker) -> Float
  ) throws -> (tokens: [Int32], logProbabilities: [Double]) {
    let walkers = decoding.walkers
    var tokens = [Int32](repeating: 0, count: walkers.count)
    var scores = [Double](repeating: 0, count: walkers.count)
    let uniforms = walkers.map(uniform)
    let device = DrawBuffers(
      uniforms: try DeviceBuffer<Float>(walkers.count, on: model.device).all,
      tokens: try DeviceBuffer<Int32>(walkers.count, on: model.device).all,
      scores: try DeviceBuffer<Float>(walkers.count, on: model.device).all,
      rows: try DeviceBuffer<Int32>(walkers.count, on: model.device).all)
    var byChunk = [[Int]](
      repeating: [], count: (decoding.nodes.count + chunkRows - 1) / chunkRows)
    for (index, walker) in walkers.enumerated() { byChunk[walker.node / chunkRows].append(index) }
    forEachLogitChunk(of: states, rows: decoding.nodes.count) { first, count in
      // Those of one plan together, and of one node side by side, so that they share what is
      // computed of its logits.
      let ordered = byChunk[first / chunkRows].sorted {
        (walkers[$0].plan, walkers[$0].node, $0) < (walkers[$1].plan, walkers[$1].node, $1)
      }
      for part in ordered.chunked(by: { walkers[$0].plan }) {
        let plan = plans[walkers[part[part.startIndex]].plan]
        let rows = part.map { Int32(walkers[$0].node - first) }
        let own = part.map { uniforms[$0] }
        let drawn =
          plan.isTruncated
          ? drawTruncated(rows, own, plan) : drawPlain(rows, own, plan, into: device)
        for (place, index) in part.enumerated() {
          tokens[index] = drawn.tokens[place]
          scores[index] = drawn.scores[place]
        }
      }
    }
    return (tokens, scores)
  }

  /// Room for the draws of one chunk.
  private struct DrawBuffers {
    let uniforms: FloatSlice
    let tokens: IntSlice
    let scores: FloatSlice
    let rows: IntSlice
  }

  /// Draws from given rows of the logits at hand.
  private func drawPlain(
    _ rows: [Int32], _ uniforms: [Float], _ plan: SamplePlan, into device: DrawBuffers
  ) -> (tokens: [Int32], scores: [Double]) {
    device.rows.copyIn(rows)
    device.uniforms.copyIn(uniforms)
    stream.sample(
      tokens: device.tokens, logProbability: device.scores, logits: logits,
      logitRows: device.rows, uniforms: device.uniforms,
      inverseTemperature: plan.inverseTemperature, rows: rows.count,
      vocabulary: model.configuration.vocabularySize)
    return (
      device.tokens.prefix(rows.count).copyOut(),
      device.scores.prefix(rows.count).copyOut().map(Double.init)
    )
  }

  /// The same from the likeliest tokens alone; a row's distribution is made once for all that draw
  /// from it.
  private func drawTruncated(
    _ rows: [Int32], _ uniforms: [Float], _ plan: SamplePlan
  ) -> (tokens: [Int32], scores: [Double]) {
    let vocabulary = model.configuration.vocabularySize
    var made: [Int32: (values: [Float], distribution: TruncatedDistribution)] = [:]
    var tokens: [Int32] = []
    var scores: [Double] = []
    for (row, uniform) in zip(rows, uniforms) {
      let entry: (values: [Float], distribution: TruncatedDistribution)
      if let known = made[row] {
        entry = known
      } else {
        let values = logits.slice(Int(row) * vocabulary, vocabulary).copyOut()
        entry = (
          values,
          TruncatedDistribution(
            logits: values[...], inverseTemperature: plan.inverseTemperature, plan.truncation)
        )
        made[row] = entry
      }
      let token = entry.distribution.draw(uniform)
      tokens.append(token)
      scores.append(TruncatedDistribution.logProbability(of: token, logits: entry.values[...]))
    }
    return (tokens, scores)
  }
}

extension [Int] {
  /// Stretches of neighbours with an equal key.
  fileprivate func chunked(by key: (Int) -> Int) -> [ArraySlice<Int>] {
    var parts: [ArraySlice<Int>] = []
    var first = 0
    while first < count {
      let last = self[first...].firstIndex { key($0) != key(self[first]) } ?? count
      parts.append(self[first..<last])
      first = last
    }
    return parts
  }
}
