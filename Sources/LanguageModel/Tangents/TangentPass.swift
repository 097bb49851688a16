import Compute
import Foundation
package import LabCore

extension TrainingPass {
  /// How fast each sequence's log-probability of its targets grows where the parameters move along
  /// `direction`.
  ///
  /// The derivative forward: every activation goes with its tangent, in single precision, through
  /// the model as it is at its present parameters. Costs a forward pass and twice its products.
  package func tangents(of tokens: TokenBatch, along direction: Gradients) throws -> [Double] {
    let extent = forward(tokens)
    let tangents = TangentPass(
      pass: self, tokens: tokens, rows: extent.rows, direction: direction.views)
    let rates = try tangents.rates()
    return (0..<tokens.sequenceCount).map { sequence in
      rates[Int(tokens.offsets[sequence])..<Int(tokens.offsets[sequence + 1])].reduce(0, +)
    }
  }
}

/// The tangents of one batch, whose activations are in the memory of a pass.
private struct TangentPass {
  let pass: TrainingPass
  let tokens: TokenBatch
  let rows: Int
  let direction: ParameterViews

  private var configuration: ModelConfiguration { pass.model.configuration }
  private var width: Int { configuration.modelDimension }

  /// For each token the derivative of log P(its target); 0 where there is none.
  func rates() throws -> [Double] {
    let (model, activations) = (pass.model, pass.activations)
    let embedding = direction.embedding.copyOut()
    var stream = tokens.tokens.flatMap { embedding[(Int($0) * width)..<((Int($0) + 1) * width)] }
    for (index, layer) in activations.layers.enumerated() {
      let (weights, moved) = (model.views.layers[index], direction.layers[index])
      let normed = norm(stream, layer.input, weights.attentionNorm, moved.attentionNorm)
      let qkv = try product(normed, layer.inputNormed, weights.qkv, moved.qkv)
      let attended = attention(qkv, layer, weights, moved)
      add(
        try product(attended, layer.attention, weights.attentionOutput, moved.attentionOutput),
        to: &stream)
      let middle = norm(stream, layer.middle, weights.feedForwardNorm, moved.feedForwardNorm)
      let hidden = nonLinearity(
        try product(middle, layer.middleNormed, weights.feedForwardInput, moved.feedForwardInput),
        layer.feedForwardInput.copyOut())
      add(
        try product(
          hidden, layer.feedForwardHidden, weights.feedForwardOutput, moved.feedForwardOutput),
        to: &stream)
    }
    let normed = norm(stream, activations.output, model.views.finalNorm, direction.finalNorm)
    return try readOut(normed)
  }

  private func add(_ values: [Float], to stream: inout [Float]) {
    for index in stream.indices { stream[index] += values[index] }
  }

  /// The tangent of x weight^T: dx weight^T + x dweight^T.
  private func product(
    _ tangent: [Float], _ input: FloatSlice, _ weight: WeightMatrix, _ moved: WeightMatrix
  ) throws -> [Float] {
    let count = tangent.count / weight.inputs
    let device = pass.model.device
    let source = try DeviceBuffer<Float>(tangent.count, on: device).all
    let (first, second) = (
      try DeviceBuffer<Float>(count * weight.outputs, on: device).all,
      try DeviceBuffer<Float>(count * weight.outputs, on: device).all
    )
    source.copyIn(tangent)
    pass.stream.linear(first, input: source, weight: weight, rows: count)
    pass.stream.linear(second, input: input, weight: moved, rows: count)
    pass.stream.add(first, first, second)
    return first.copyOut()
  }

  /// The tangent of an RMS norm: with n = s r, r = 1 / sqrt(mean(s^2) + epsilon): (ds - n mean(n
  /// ds)) r w + n dw.
  private func norm(
    _ tangent: [Float], _ sum: FloatSlice, _ weight: FloatSlice, _ moved: FloatSlice
  ) -> [Float] {
    let (sums, weights, moves) = (
      sum.prefix(rows * width).copyOut(), weight.copyOut(), moved.copyOut()
    )
    var result = tangent
    for row in 0..<rows {
      let range = (row * width)..<((row + 1) * width)
      Self.norm(&result, sums, range, weights, moves)
    }
    return result
  }

  /// The same of one stretch of values, in place.
  private static func norm(
    _ tangent: inout [Float], _ sums: [Float], _ range: Range<Int>, _ weight: [Float],
    _ moved: [Float]
  ) {
    let count = Double(range.count)
    var (squares, along) = (0.0, 0.0)
    for index in range {
      squares += Double(sums[index]) * Double(sums[index])
      along += Double(sums[index]) * Double(tangent[index])
    }
    let scale = 1 / (squares / count + Double(ModelConfiguration.normEpsilon)).squareRoot()
    for (column, index) in range.enumerated() {
      let normed = Double(sums[index]) * scale
      let change = (Double(tangent[index]) - normed * along * scale / count) * scale
      tangent[index] = Float(
        change * Double(weight[column]) + normed * Double(moved[column]))
    }
  }

  /// The tangent of queries, keys and values through norm, rotation and softmax, shape (T, C).
  private func attention(
    _ tangent: [Float], _ layer: LayerActivations, _ weights: LayerViews, _ moved: LayerViews
  ) -> [Float] {
    let (heads, size) = (configuration.headCount, configuration.headDimension)
    let qkv = layer.qkv.prefix(rows * 3 * width).copyOut()
    let rotated = layer.queryKey.prefix(rows * 2 * width).copyOut()
    let turned = rotation(normedQueriesAndKeys(tangent, qkv, weights, moved))
    var result = [Float](repeating: 0, count: rows * width)
    let factor = 1 / Double(size).squareRoot()
    func dot(_ a: [Float], _ first: Int, _ b: [Float], _ second: Int) -> Double {
      var sum = 0.0
      for column in 0..<size { sum += Double(a[first + column]) * Double(b[second + column]) }
      return sum
    }
    for sequence in 0..<tokens.sequenceCount {
      let start = Int(tokens.offsets[sequence])
      for row in start..<Int(tokens.offsets[sequence + 1]) {
        for head in 0..<heads {
          let query = row * 2 * width + head * size
          var (scores, changes): ([Double], [Double]) = ([], [])
          for other in start...row {
            let key = other * 2 * width + width + head * size
            scores.append(factor * dot(rotated, query, rotated, key))
            changes.append(
              factor * (dot(turned, query, rotated, key) + dot(rotated, query, turned, key)))
          }
          let largest = scores.max() ?? 0
          var shares = scores.map { exp($0 - largest) }
          let total = shares.reduce(0, +)
          for index in shares.indices { shares[index] /= total }
          let mean = zip(shares, changes).reduce(0) { $0 + $1.0 * $1.1 }
          for column in 0..<size {
            var sum = 0.0
            for (index, share) in shares.enumerated() {
              let value = (start + index) * 3 * width + 2 * width + head * size + column
              sum += share * (changes[index] - mean) * Double(qkv[value])
              sum += share * Double(tangent[value])
            }
            result[row * width + head * size + column] = Float(sum)
          }
        }
      }
    }
    return result
  }

  /// The tangents of queries and keys after their norm, shape (T, 2*C).
  private func normedQueriesAndKeys(
    _ tangent: [Float], _ qkv: [Float], _ weights: LayerViews, _ moved: LayerViews
  ) -> [Float] {
    let size = configuration.headDimension
    var normed = tangent
    let pairs = [(weights.queryNorm, moved.queryNorm), (weights.keyNorm, moved.keyNorm)]
    for (kind, pair) in pairs.enumerated() {
      guard let weight = pair.0?.copyOut(), let move = pair.1?.copyOut() else { continue }
      for row in 0..<rows {
        for head in 0..<configuration.headCount {
          let first = row * 3 * width + kind * width + head * size
          Self.norm(&normed, qkv, first..<(first + size), weight, move)
        }
      }
    }
    return (0..<rows).flatMap { normed[($0 * 3 * width)..<($0 * 3 * width + 2 * width)] }
  }

  /// Rotates by each token's position, shape (T, 2*C).
  private func rotation(_ values: [Float]) -> [Float] {
    let size = configuration.headDimension
    let half = size / 2
    let (cosines, sines) = (
      pass.model.rotary.cosines.copyOut(), pass.model.rotary.sines.copyOut()
    )
    var result = values
    for first in stride(from: 0, to: values.count, by: size) {
      let angle = Int(tokens.positions[first / (2 * width)]) * half
      for column in 0..<half {
        let (low, high) = (values[first + column], values[first + column + half])
        let (cosine, sine) = (cosines[angle + column], sines[angle + column])
        result[first + column] = low * cosine - high * sine
        result[first + column + half] = high * cosine + low * sine
      }
    }
    return result
  }

  /// The tangent of the feed-forward block's non-linearity, shape (T, FF).
  private func nonLinearity(_ tangent: [Float], _ inputs: [Float]) -> [Float] {
    let hidden = configuration.feedForwardDimension
    switch configuration.activation {
    case .gelu:
      let slope = (2 / Double.pi).squareRoot()
      return (0..<(rows * hidden)).map { index in
        let x = Double(inputs[index])
        let bend = tanh(slope * (x + 0.044715 * x * x * x))
        let inner = slope * (1 + 3 * 0.044715 * x * x)
        return Float(
          Double(tangent[index]) * (0.5 * (1 + bend) + 0.5 * x * (1 - bend * bend) * inner))
      }
    case .swiglu:
      return (0..<(rows * hidden)).map { index in
        let gate = index / hidden * 2 * hidden + index % hidden
        let (x, up) = (Double(inputs[gate]), Double(inputs[gate + hidden]))
        let share = 1 / (1 + exp(-x))
        return Float(
          Double(tangent[gate]) * share * (1 + x * (1 - share)) * up
            + Double(tangent[gate + hidden]) * x * share)
      }
    }
  }

  /// The tangent of the targets' log-probabilities: that of their logits, less its mean under the
  /// softmax.
  private func readOut(_ tangent: [Float]) throws -> [Double] {
    let vocabulary = configuration.vocabularySize
    let stream = pass.stream
    var rates = [Double](repeating: 0, count: rows)
    for first in stride(from: 0, to: rows, by: pass.chunkRows) {
      let count = min(pass.chunkRows, rows - first)
      guard tokens.targets[first..<(first + count)].contains(where: { $0 >= 0 }) else { continue }
      let normed = pass.activations.outputNormed.slice(first * width, count * width)
      stream.linear(pass.logits, input: normed, weight: pass.model.views.readOut, rows: count)
      let logits = pass.logits.prefix(count * vocabulary).copyOut()
      let moves = try product(
        Array(tangent[(first * width)..<((first + count) * width)]), normed,
        pass.model.views.readOut, direction.readOut)
      for row in 0..<count where tokens.targets[first + row] >= 0 {
        let range = (row * vocabulary)..<((row + 1) * vocabulary)
        let largest = Double(logits[range].max() ?? 0)
        var (total, sum) = (0.0, 0.0)
        for index in range {
          let weight = exp(Double(logits[index]) - largest)
          total += weight
          sum += weight * Double(moves[index])
        }
        let target = range.lowerBound + Int(tokens.targets[first + row])
        rates[first + row] = Double(moves[target]) - sum / total
      }
    }
    return rates
  }
}
